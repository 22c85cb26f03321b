//===- Cache.cpp - Reading and writing the key-value cache ----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "CacheView.h"
#include "Lowerings.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bitnetc {

static constexpr int64_t block = bitnet::cacheBlock;
static_assert(block == VectorEmitter::lanes);
/// Smallest magnitude that scales are made for, so that zeros have one.
static constexpr float minMagnitude = 0x1p-60f;

CacheView::CacheView(VectorEmitter &e, Value cache) : e(e), cache(cache) {
  bitnet::CacheShape shape = bitnet::getCacheShape(cache.getType());
  heads = shape.heads;
  dim = shape.dim;
  elementBytes = shape.element.getIntOrFloatBitWidth() / 8;
  isScaled = shape.element.isInteger();
}

Value CacheView::getKeys(Value column) { return e.mulIndex(column, block); }

Value CacheView::getValue(Value index, Value column) {
  return e.addIndex(e.mulIndex(index, dim), column);
}

Value CacheView::loadKeys(Value head, Value block, Value column) {
  return e.load(cache, {e.index(keys), head, block, getKeys(column)});
}

Value CacheView::loadValue(Value head, Value block, Value index, Value column,
                           int64_t width) {
  return e.load(cache, {e.index(values), head, block, getValue(index, column)},
                width);
}

Value CacheView::loadScales(int64_t half, Value head, Value block) {
  auto bytes = VectorType::get(sizeof(float) * VectorEmitter::lanes,
                               e.builder.getI8Type());
  Value scales = vector::LoadOp::create(
      e.builder, e.loc, bytes, cache,
      ValueRange{e.index(half), head, block, e.index(bitnetc::block * dim)});
  return vector::BitCastOp::create(e.builder, e.loc, e.rowType(), scales);
}

void CacheView::prefetch(Value half, Value head, Value block, Value element) {
  e.prefetch(cache, {half, head, block, element});
}

Value CacheView::emitScale(int64_t half, Value head, Value block, Value index,
                           Value source, Value m, Value from) {
  Value max = e.largestMagnitude(source, m, dim, minMagnitude, from);
  Value top = e.constant(max.getType(), 127);
  Value scale = vector::FromElementsOp::create(
      e.builder, e.loc, VectorType::get(1, max.getType()), e.div(max, top));
  Value bytes = vector::BitCastOp::create(
      e.builder, e.loc, VectorType::get(sizeof(float), e.builder.getI8Type()),
      scale);
  Value place =
      e.addIndex(e.mulIndex(index, sizeof(float)), bitnetc::block * dim);
  vector::StoreOp::create(e.builder, e.loc, bytes, cache,
                          ValueRange{e.index(half), head, block, place});
  return e.div(top, max);
}

void CacheView::store(int64_t half, Value head, Value block, Value index,
                      Value source, Value m, Value from) {
  Value factor;
  if (isScaled)
    factor = e.broadcast(emitScale(half, head, block, index, source, m, from));
  Type element = cast<MemRefType>(cache.getType()).getElementType();
  e.rowLoop(dim, [&](Value column, int64_t width) {
    Value row = e.load(source, {m, e.addIndex(from, column)}, width);
    if (isScaled)
      row = math::RoundEvenOp::create(e.builder, e.loc, e.mul(row, factor));
    if (half == values)
      return e.store(row, cache,
                     {e.index(half), head, block, getValue(index, column)},
                     width);
    // A key is a column of its block: one element in each of `dim` rows.
    row = e.narrow(row, element);
    Value first = e.addIndex(getKeys(column), index);
    for (int64_t i = 0; i < width; ++i)
      e.storeScalar(
          e.extract(row, i), cache,
          {e.index(half), head, block, e.addIndex(first, i * bitnetc::block)});
  });
}

void emitKernel(VectorEmitter &e, bitnet::KVStoreOp op) {
  CacheView cache(e, op.getCache());
  e.forTokens(op.getKeys(), [&](Value m) {
    Value position = e.addIndex(op.getPosition(), m);
    auto place = e.divRem(position, block);
    Value row = place.first, index = place.second;
    e.forLoop(e.index(0), e.index(cache.heads), 1, [&](Value head) {
      Value from = e.mulIndex(head, cache.dim);
      cache.store(CacheView::keys, head, row, index, op.getKeys(), m, from);
      cache.store(CacheView::values, head, row, index, op.getValues(), m, from);
    });
  });
}

} // namespace bitnetc
