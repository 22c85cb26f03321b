//===- VectorEmitter.cpp - Loops over 16-lane vectors ---------------------===//
//
// The tail of a row that is no multiple of 16 is read in pieces of 8, 4, 2 and
// 1 elements rather than with a mask: NEON has no masked load, and the scalar
// code LLVM writes for one is slower than one or two narrow loads.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "VectorEmitter.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace bitnetc {

/// Stack buffers start at a cache line.
static constexpr int64_t bufferAlignment = 64;

VectorType VectorEmitter::rowType() const {
  return VectorType::get(lanes, builder.getF32Type());
}

//===----------------------------------------------------------------------===//
// Constants and arithmetic
//===----------------------------------------------------------------------===//

Value VectorEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

static Value createConstant(OpBuilder &builder, Location loc, Type type,
                            Attribute element) {
  auto vector = dyn_cast<VectorType>(type);
  TypedAttr value = vector ? DenseElementsAttr::get(vector, element)
                           : cast<TypedAttr>(element);
  return arith::ConstantOp::create(builder, loc, value);
}

Value VectorEmitter::constant(Type type, double value) {
  return createConstant(
      builder, loc, type,
      builder.getFloatAttr(getElementTypeOrSelf(type), value));
}

Value VectorEmitter::constantInt(Type type, int64_t value) {
  return createConstant(
      builder, loc, type,
      builder.getIntegerAttr(getElementTypeOrSelf(type), value));
}

Value VectorEmitter::broadcast(Value scalar) {
  return vector::BroadcastOp::create(
      builder, loc, VectorType::get(lanes, scalar.getType()), scalar);
}

Value VectorEmitter::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}
Value VectorEmitter::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}
Value VectorEmitter::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}
Value VectorEmitter::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}
Value VectorEmitter::max(Value a, Value b) {
  return select(compare(arith::CmpFPredicate::OGT, a, b), a, b);
}
Value VectorEmitter::negate(Value a) {
  return arith::NegFOp::create(builder, loc, a);
}
Value VectorEmitter::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(builder, loc, a, b, c);
}
Value VectorEmitter::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, predicate, a, b);
}
Value VectorEmitter::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}
/// The type `like` with elements of type `element`.
static Type withElement(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(vector.clone(element)) : element;
}
Value VectorEmitter::widenToF64(Value value) {
  return arith::ExtFOp::create(
      builder, loc, withElement(value.getType(), builder.getF64Type()), value);
}
Value VectorEmitter::narrowToF32(Value value) {
  return arith::TruncFOp::create(
      builder, loc, withElement(value.getType(), builder.getF32Type()), value);
}
Value VectorEmitter::addIndex(Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}
Value VectorEmitter::addIndex(Value a, int64_t b) {
  return b == 0 ? a : addIndex(a, index(b));
}
Value VectorEmitter::mulIndex(Value a, int64_t b) {
  return builder.createOrFold<arith::MulIOp>(loc, a, index(b));
}
Value VectorEmitter::minIndex(Value a, Value b) {
  return arith::MinSIOp::create(builder, loc, a, b);
}
Value VectorEmitter::maxIndex(Value a, Value b) {
  return arith::MaxSIOp::create(builder, loc, a, b);
}
std::pair<Value, Value> VectorEmitter::divRem(Value a, int64_t b) {
  return {arith::DivUIOp::create(builder, loc, a, index(b)),
          arith::RemUIOp::create(builder, loc, a, index(b))};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// `indices` with `offset` added to the last one.
static Values advance(VectorEmitter &e, ValueRange indices, int64_t offset) {
  Values result(indices);
  result.back() = e.addIndex(result.back(), offset);
  return result;
}

/// Calls `piece(offset, size)` for the pieces of 8, 4, 2 and 1 lanes of
/// `width`.
static void forPieces(int64_t width,
                      function_ref<void(int64_t, int64_t)> piece) {
  int64_t offset = 0;
  for (int64_t size = VectorEmitter::lanes / 2; size > 0; size /= 2) {
    if (!(width & size))
      continue;
    piece(offset, size);
    offset += size;
  }
}

/// Widens bf16 (the upper half of an f32), f16 or i8 lanes to f32.
Value VectorEmitter::widen(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getElementType().isF32())
    return vector;
  VectorType result = type.clone(builder.getF32Type());
  if (type.getElementType().isF16())
    return arith::ExtFOp::create(builder, loc, result, vector);
  if (type.getElementType().isInteger(8))
    return arith::SIToFPOp::create(builder, loc, result, vector);
  VectorType words = type.clone(builder.getI32Type());
  Value bits = vector::BitCastOp::create(
      builder, loc, type.clone(builder.getI16Type()), vector);
  bits = arith::ExtUIOp::create(builder, loc, words, bits);
  bits = arith::ShLIOp::create(builder, loc, bits, constantInt(words, 16));
  return vector::BitCastOp::create(builder, loc, result, bits);
}

Value VectorEmitter::load(Value memref, ValueRange indices, int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto loadPiece = [&](int64_t offset, int64_t size) {
    return widen(vector::LoadOp::create(builder, loc,
                                        VectorType::get(size, element), memref,
                                        advance(*this, indices, offset)));
  };
  if (width == lanes)
    return loadPiece(0, lanes);
  Value result;
  forPieces(width, [&](int64_t offset, int64_t size) {
    Value piece = loadPiece(offset, size);
    // The piece in its lanes, zero in the others.
    SmallVector<int64_t> place(lanes, size), choose;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool inside = lane >= offset && lane < offset + size;
      if (inside)
        place[lane] = lane - offset;
      choose.push_back(inside ? lanes + lane : lane);
    }
    piece = vector::ShuffleOp::create(builder, loc, piece,
                                      constant(piece.getType(), 0), place);
    result =
        result ? vector::ShuffleOp::create(builder, loc, result, piece, choose)
               : piece;
  });
  return result;
}

Value VectorEmitter::narrow(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  if (element.isF32())
    return vector;
  if (element.isF16())
    return arith::TruncFOp::create(builder, loc, type.clone(element), vector);
  Value words = arith::FPToSIOp::create(
      builder, loc, type.clone(builder.getI32Type()), vector);
  return arith::TruncIOp::create(builder, loc, type.clone(element), words);
}

void VectorEmitter::store(Value vector, Value memref, ValueRange indices,
                          int64_t width) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = cast<VectorType>(vector.getType());
  auto storePiece = [&](Value piece, int64_t offset) {
    vector::StoreOp::create(builder, loc, narrow(piece, element), memref,
                            advance(*this, indices, offset));
  };
  if (width == type.getNumElements())
    return storePiece(vector, 0);
  forPieces(width, [&](int64_t offset, int64_t size) {
    auto range = llvm::seq<int64_t>(offset, offset + size);
    storePiece(vector::ShuffleOp::create(builder, loc, vector, vector,
                                         llvm::to_vector(range)),
               offset);
  });
}

Value VectorEmitter::loadScalar(Value memref, ValueRange indices) {
  return memref::LoadOp::create(builder, loc, memref, indices);
}

void VectorEmitter::storeScalar(Value value, Value memref, ValueRange indices) {
  memref::StoreOp::create(builder, loc, value, memref, indices);
}

void VectorEmitter::prefetch(Value memref, ValueRange indices) {
  memref::PrefetchOp::create(builder, loc, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/3, /*isDataCache=*/true);
}

Value VectorEmitter::allocate(ArrayRef<int64_t> shape) {
  OpBuilder::InsertionGuard guard(builder);
  Region *region = builder.getInsertionBlock()->getParent();
  while (!isa<bitnet::ParallelOp, FunctionOpInterface>(region->getParentOp()))
    region = region->getParentRegion();
  builder.setInsertionPointToStart(&region->front());
  return memref::AllocaOp::create(builder, loc,
                                  MemRefType::get(shape, builder.getF32Type()),
                                  builder.getI64IntegerAttr(bufferAlignment));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Values VectorEmitter::forLoop(Value begin, Value end, int64_t step,
                              ValueRange init, LoopBody body) {
  auto loop = scf::ForOp::create(builder, loc, begin, end, index(step), init);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(builder, loc, next);
  return Values(loop.getResults());
}

void VectorEmitter::forLoop(Value begin, Value end, int64_t step,
                            function_ref<void(Value)> body) {
  forLoop(begin, end, step, ValueRange(), [&](Value i, ValueRange) -> Values {
    body(i);
    return {};
  });
}

void VectorEmitter::forTokens(Value memref, function_ref<void(Value)> body) {
  int64_t rows = cast<MemRefType>(memref.getType()).getDimSize(0);
  if (rows == 1)
    return body(index(0));
  Value end = ShapedType::isDynamic(rows)
                  ? Value(memref::DimOp::create(builder, loc, memref, 0))
                  : index(rows);
  forLoop(index(0), end, 1, body);
}

void VectorEmitter::ifThen(Value condition, function_ref<void()> body) {
  auto branch =
      scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  body();
}

Values VectorEmitter::rowLoop(int64_t columns, ValueRange init, RowBody body) {
  int64_t full = columns / lanes * lanes;
  Values values(init);
  if (full > 0)
    values = forLoop(index(0), index(full), lanes, values,
                     [&](Value column, ValueRange args) {
                       return body(column, lanes, args);
                     });
  if (full < columns)
    values = body(index(full), columns - full, values);
  return values;
}

void VectorEmitter::rowLoop(int64_t columns,
                            function_ref<void(Value, int64_t)> body) {
  rowLoop(columns, ValueRange(),
          [&](Value column, int64_t width, ValueRange) -> Values {
            body(column, width);
            return {};
          });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value VectorEmitter::fold(ArrayRef<Value> vectors, Combine combine) {
  Values current(vectors);
  current.resize(llvm::PowerOf2Ceil(current.size()), current.back());
  // Each vector is a row of groups of `width` partial values, one group for
  // each folded vector. A step halves the groups of two vectors and puts both
  // into one; a last vector on its own becomes shorter.
  for (int64_t width = lanes; width > 1; width /= 2) {
    Values next;
    for (size_t i = 0; i < current.size(); i += 2) {
      Value a = current[i];
      Value b = i + 1 < current.size() ? current[i + 1] : a;
      int64_t size = cast<VectorType>(a.getType()).getNumElements();
      int64_t total = current.size() > 1 ? 2 * size : size;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < total; ++lane)
        (lane % width < width / 2 ? low : high).push_back(lane);
      next.push_back(
          combine(vector::ShuffleOp::create(builder, loc, a, b, low),
                  vector::ShuffleOp::create(builder, loc, a, b, high)));
    }
    current = std::move(next);
  }
  return current.front();
}

Value VectorEmitter::foldSum(ArrayRef<Value> vectors) {
  return fold(vectors, [&](Value a, Value b) { return add(a, b); });
}

Value VectorEmitter::largestMagnitude(Value memref, Value m, int64_t columns,
                                      float least, Value from) {
  Values largest = rowLoop(
      columns, constant(rowType(), least),
      [&](Value column, int64_t width, ValueRange largest) -> Values {
        Value at = from ? addIndex(from, column) : column;
        Value row = load(memref, {m, at}, width);
        return {max(math::AbsFOp::create(builder, loc, row), largest.front())};
      });
  return extract(fold(largest, [&](Value a, Value b) { return max(a, b); }), 0);
}

Value VectorEmitter::extract(Value vector, int64_t lane) {
  return vector::ExtractOp::create(builder, loc, vector,
                                   ArrayRef<int64_t>{lane});
}

} // namespace bitnetc
