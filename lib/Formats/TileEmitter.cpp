//===- TileEmitter.cpp - Short names for what inner loops consist of ------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

VectorType TileEmitter::bytesType(int64_t count) const {
  return VectorType::get({count}, builder.getI8Type());
}

VectorType TileEmitter::lanesType(int64_t count) const {
  return VectorType::get({count}, builder.getI32Type());
}

Value TileEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value TileEmitter::add(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}

Value TileEmitter::addIndex(Value a, int64_t b) {
  return b == 0 ? a : add(a, index(b));
}

Value TileEmitter::sub(Value a, Value b) {
  return arith::SubIOp::create(builder, loc, a, b);
}

Value TileEmitter::splat(VectorType type, int64_t value) {
  unsigned width = type.getElementTypeBitWidth();
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, llvm::APInt(width, value,
                                               /*isSigned=*/false,
                                               /*implicitTrunc=*/true)));
}

Value TileEmitter::andBytes(Value bytes, int64_t mask) {
  auto type = cast<VectorType>(bytes.getType());
  return arith::AndIOp::create(builder, loc, bytes, splat(type, mask));
}

Value TileEmitter::mulBytes(Value bytes, int64_t factor) {
  auto type = cast<VectorType>(bytes.getType());
  return arith::MulIOp::create(builder, loc, bytes, splat(type, factor));
}

Value TileEmitter::reaches(Value bytes, int64_t bound) {
  auto type = cast<VectorType>(bytes.getType());
  // max(u, bound - 1) - (bound - 1) is positive where the bound is reached;
  // the smaller of that and 1.
  Value below = splat(type, bound - 1);
  Value above = sub(arith::MaxUIOp::create(builder, loc, bytes, below), below);
  return arith::MinUIOp::create(builder, loc, above, splat(type, 1));
}

Value TileEmitter::shiftBytesRight(Value bytes, int64_t bits) {
  auto type = cast<VectorType>(bytes.getType());
  return arith::ShRUIOp::create(builder, loc, bytes, splat(type, bits));
}

Value TileEmitter::shiftLanesRight(Value lanes, int64_t bits) {
  auto type = cast<VectorType>(lanes.getType());
  return arith::ShRSIOp::create(builder, loc, lanes, splat(type, bits));
}

Value TileEmitter::loadBytes(Value memref, Value offset, int64_t count) {
  return vector::LoadOp::create(builder, loc, bytesType(count), memref,
                                ValueRange{offset});
}

Value TileEmitter::loadRowBytes(Value memref, int64_t token, Value column,
                                int64_t count) {
  return vector::LoadOp::create(builder, loc, bytesType(count), memref,
                                ValueRange{index(token), column});
}

Value TileEmitter::broadcastFour(Value activations, int64_t token, Value column,
                                 int64_t count) {
  Value four = loadRowBytes(activations, token, column, 4);
  Value word = vector::BitCastOp::create(
      builder, loc, VectorType::get({1}, builder.getI32Type()), four);
  Value scalar = vector::ExtractOp::create(builder, loc, word, int64_t(0));
  Value lanes =
      vector::BroadcastOp::create(builder, loc, lanesType(count / 4), scalar);
  return vector::BitCastOp::create(builder, loc, bytesType(count), lanes);
}

Value TileEmitter::broadcastSum(Value sums, int64_t token, int64_t count) {
  Value sum =
      memref::LoadOp::create(builder, loc, sums, ValueRange{index(token)});
  return vector::BroadcastOp::create(builder, loc, lanesType(count), sum);
}

void TileEmitter::storeLanes(Value lanes, Value products, int64_t token,
                             int64_t row) {
  vector::StoreOp::create(builder, loc, lanes, products,
                          ValueRange{index(token), index(row)});
}

void TileEmitter::prefetch(Value memref, Value offset, int64_t distance,
                           Cache cache) {
  memref::PrefetchOp::create(builder, loc, memref,
                             ValueRange{addIndex(offset, distance)},
                             /*isWrite=*/false,
                             /*localityHint=*/cache == Cache::First ? 3 : 2,
                             /*isDataCache=*/true);
}

Value TileEmitter::dot4(Value acc, Value weights, Value activations,
                        int64_t max, bool isSigned) {
  return ternary::Dot4Op::create(builder, loc, acc, weights, activations, max,
                                 isSigned);
}

Value TileEmitter::opaque(Value value) {
  return ternary::OpaqueOp::create(builder, loc, value.getType(), value);
}

Value TileEmitter::shuffle(Value a, Value b, ArrayRef<int64_t> indices) {
  return vector::ShuffleOp::create(builder, loc, a, b, indices);
}

SmallVector<Value> TileEmitter::loop(
    int64_t from, int64_t to, int64_t by, ArrayRef<Value> values,
    llvm::function_ref<void(Value, MutableArrayRef<Value>)> body) {
  SmallVector<Value> state(values);
  if (from >= to)
    return state;
  if (from + by >= to) {
    body(index(from), state);
    return state;
  }
  auto loop = scf::ForOp::create(builder, loc, index(from), index(to),
                                 index(by), values);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  state.assign(loop.getRegionIterArgs().begin(),
               loop.getRegionIterArgs().end());
  body(loop.getInductionVar(), state);
  // Without carried values the builder has already made the terminator.
  if (!values.empty())
    scf::YieldOp::create(builder, loc, state);
  return SmallVector<Value>(loop.getResults());
}
