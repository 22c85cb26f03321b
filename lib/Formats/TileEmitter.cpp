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

Value TileEmitter::mulIndex(Value a, int64_t b) {
  return arith::MulIOp::create(builder, loc, a, index(b));
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

Value TileEmitter::min(Value a, Value b) {
  return arith::MinUIOp::create(builder, loc, a, b);
}

Value TileEmitter::divIndex(Value a, int64_t b) {
  return arith::DivUIOp::create(builder, loc, a, index(b));
}

Value TileEmitter::remIndex(Value a, int64_t b) {
  return arith::RemUIOp::create(builder, loc, a, index(b));
}

Value TileEmitter::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, predicate, a, b);
}

Value TileEmitter::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

Value TileEmitter::getTokens(const TileOperands &operands) {
  return memref::DimOp::create(builder, loc, operands.activations, 0);
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

Value TileEmitter::saturatingSub(Value bytes, int64_t value) {
  Value least = splat(cast<VectorType>(bytes.getType()), value);
  return sub(arith::MaxUIOp::create(builder, loc, bytes, least), least);
}

Value TileEmitter::average(Value a, Value b) {
  auto type = cast<VectorType>(a.getType());
  auto wide = type.clone(builder.getI16Type());
  auto extend = [&](Value bytes) -> Value {
    return arith::ExtUIOp::create(builder, loc, wide, bytes);
  };
  Value sum = add(add(extend(a), extend(b)), splat(wide, 1));
  Value half = arith::ShRUIOp::create(builder, loc, sum, splat(wide, 1));
  return arith::TruncIOp::create(builder, loc, type, half);
}

Value TileEmitter::shiftBytesRight(Value bytes, int64_t bits) {
  auto type = cast<VectorType>(bytes.getType());
  return arith::ShRUIOp::create(builder, loc, bytes, splat(type, bits));
}

Value TileEmitter::shiftLanesRight(Value lanes, int64_t bits) {
  auto type = cast<VectorType>(lanes.getType());
  return arith::ShRSIOp::create(builder, loc, lanes, splat(type, bits));
}

Value TileEmitter::shiftLanesLeft(Value lanes, int64_t bits) {
  auto type = cast<VectorType>(lanes.getType());
  return arith::ShLIOp::create(builder, loc, lanes, splat(type, bits));
}

std::array<Value, 2> TileEmitter::widen(Value words) {
  auto type = cast<VectorType>(words.getType());
  Value lanes = bitcast(words, lanesType(type.getNumElements() / 2));
  return {shiftLanesRight(shiftLanesLeft(lanes, 16), 16),
          shiftLanesRight(lanes, 16)};
}

Value TileEmitter::bitcast(Value vector, VectorType type) {
  return vector::BitCastOp::create(builder, loc, type, vector);
}

Value TileEmitter::constantBytes(ArrayRef<uint8_t> bytes) {
  // As DenseElementsAttr has no unsigned bytes: the same bits.
  ArrayRef<int8_t> same(reinterpret_cast<const int8_t *>(bytes.data()),
                        bytes.size());
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(bytesType(bytes.size()), same));
}

Value TileEmitter::lookup(Value table, Value indices) {
  return ternary::ByteLookupOp::create(builder, loc, indices.getType(), table,
                                       indices);
}

Value TileEmitter::constantWords(ArrayRef<int16_t> words) {
  auto type = VectorType::get({int64_t(words.size())}, builder.getI16Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, words));
}

Value TileEmitter::lookupWords(Value table, Value indices) {
  return ternary::WordLookupOp::create(builder, loc, indices.getType(), table,
                                       indices);
}

Value TileEmitter::shiftWordsRight(Value bytes, int64_t bits) {
  auto type = cast<VectorType>(bytes.getType());
  auto words =
      VectorType::get({type.getNumElements() / 2}, builder.getI16Type());
  Value shifted = arith::ShRUIOp::create(builder, loc, bitcast(bytes, words),
                                         splat(words, bits));
  return bitcast(shifted, type);
}

Value TileEmitter::selectBits(int64_t mask, Value a, Value b) {
  return arith::OrIOp::create(builder, loc, andBytes(a, mask),
                              andBytes(b, ~mask & 255));
}

Value TileEmitter::interleave(Value a, Value b, int64_t unit, bool upper) {
  auto type = cast<VectorType>(a.getType());
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  int64_t count = bytes / unit, block = 16 / unit;
  auto units = VectorType::get({count}, builder.getIntegerType(8 * unit));
  SmallVector<int64_t> indices;
  for (int64_t first = 0; first < count; first += block)
    for (int64_t i = 0; i < block / 2; ++i)
      for (int64_t source : {int64_t(0), count})
        indices.push_back(source + first + i + (upper ? block / 2 : 0));
  return bitcast(shuffle(bitcast(a, units), bitcast(b, units), indices), type);
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

Value TileEmitter::broadcastSum(Value sums, Value token, int64_t count) {
  Value sum = memref::LoadOp::create(builder, loc, sums, token);
  return vector::BroadcastOp::create(builder, loc, lanesType(count), sum);
}

void TileEmitter::storeRow(Value vector, Value memref, Value token,
                           Value column) {
  vector::StoreOp::create(builder, loc, vector, memref,
                          ValueRange{token, column});
}

Value TileEmitter::tableOfSums(Value activations, Value token, Value column,
                               ArrayRef<SmallVector<int16_t>> factors) {
  auto type =
      VectorType::get({int64_t(factors[0].size())}, builder.getI16Type());
  Value sums;
  for (auto [i, row] : llvm::enumerate(factors)) {
    Value a = memref::LoadOp::create(builder, loc, activations,
                                     ValueRange{token, addIndex(column, i)});
    Value wide = arith::ExtSIOp::create(builder, loc, builder.getI16Type(), a);
    Value all = vector::BroadcastOp::create(builder, loc, type, wide);
    Value factor = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(type, ArrayRef<int16_t>(row)));
    Value term = arith::MulIOp::create(builder, loc, all, factor);
    sums = i ? add(sums, term) : term;
  }
  return sums;
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

void TileEmitter::prefetchStep(Value memref, Value offset, int64_t stepBytes,
                               int64_t distance) {
  for (int64_t at = 0; at < stepBytes; at += kVectorBytes)
    prefetch(memref, offset, distance + at);
}

SmallVector<Value> TileEmitter::loadStep(Value memref, Value offset,
                                         int64_t stepBytes, int64_t first,
                                         int64_t count) {
  SmallVector<Value> vectors;
  for (int64_t at = 0; at < stepBytes; at += kVectorBytes)
    vectors.push_back(loadBytes(memref, addIndex(offset, at + first), count));
  return vectors;
}

void TileEmitter::decodeStep(const PackingFormat &format,
                             ArrayRef<Value> vectors, Value panel, Value row,
                             int64_t count) {
  format.emitDecode(builder, loc, vectors,
                    [&](int64_t quad, int64_t group, Value codes) {
                      if (group < count)
                        storeRow(codes, panel, addIndex(row, quad),
                                 index(group * kVectorBytes));
                    });
}

Value TileEmitter::dot4(Value acc, Value weights, Value activations,
                        int64_t max, bool isSigned) {
  return ternary::Dot4Op::create(builder, loc, acc, weights, activations, max,
                                 isSigned);
}

Value TileEmitter::dot2(Value acc, Value weights, Value activations,
                        int64_t max) {
  return ternary::Dot2Op::create(builder, loc, acc, weights, activations, max);
}

Value TileEmitter::opaque(Value value) {
  return ternary::OpaqueOp::create(builder, loc, value.getType(), value);
}

Value TileEmitter::shuffle(Value a, Value b, ArrayRef<int64_t> indices) {
  return vector::ShuffleOp::create(builder, loc, a, b, indices);
}

void TileEmitter::ifHolds(Value condition, function_ref<void()> then,
                          function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(builder, loc, condition,
                                  /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  then();
  if (!otherwise)
    return;
  builder.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

void TileEmitter::forEach(Value begin, Value end,
                          function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(builder, loc, begin, end, index(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
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
