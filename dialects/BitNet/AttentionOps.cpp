//===- AttentionOps.cpp - Verifiers and effects of attention --------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/BitNet/Verify.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::bitnet;

BITNET_KERNEL(AttentionMergeOp)

/// Checks that a cache is that of one layer and has a shape to compute with.
static LogicalResult verifyCache(Operation *op, Type type) {
  if (auto cache = dyn_cast<KVCacheType>(type)) {
    if (cache.getLayers() == 1)
      return success();
    return op->emitOpError("expected a cache of one layer, but got ") << type;
  }
  auto memref = cast<MemRefType>(type);
  ArrayRef<int64_t> shape = memref.getShape().take_back(4);
  if (shape[0] == 2 && shape[1] > 0 && shape[3] > 0 &&
      getCacheShape(type).dim > 0)
    return success();
  return op->emitOpError("expected a cache of 2 x heads x blocks x rows of ")
         << cacheBlock << " positions, but got " << type;
}

/// Checks that several sequences have a place for each token, and one does not.
static LogicalResult verifyCachePlaces(Operation *op, Type cache, Type places,
                                       Type data) {
  auto type = dyn_cast<KVCacheType>(cache);
  bool several =
      type ? type.getSequences() > 1 : cast<MemRefType>(cache).getRank() == 5;
  if (several == places.isIndex())
    return op->emitOpError(several ? "expected a place for each token of "
                                     "several sequences, but got "
                                   : "expected a position in the one "
                                     "sequence of the cache, but got ")
           << places;
  return verifyPlaces(op, places, data);
}

/// Checks queries, and columns of what is summed up, against the cache.
static LogicalResult verifyHeads(Operation *op, Type cache, int64_t heads,
                                 Type queries) {
  auto [kvHeads, dim, element] = getCacheShape(cache);

  if (heads <= 0 || heads % kvHeads != 0)
    return op->emitOpError("expected a multiple of ")
           << kvHeads << " heads, but got " << heads;
  if (failed(verifyColumns(op, "queries", lastDim(queries), heads * dim)))
    return failure();
  return verifyColumns(op, "a result", resultColumns(op), heads * dim);
}

/// Checks that a result of a single token is one.
static LogicalResult verifySingle(Operation *op, Type type) {
  int64_t tokens = cast<ShapedType>(type).getDimSize(0);
  if (tokens == 1)
    return success();
  return op->emitOpError("expected a single token, but got ") << type;
}

LogicalResult KVLayerOp::verify() {
  KVCacheType cache = getCache().getType();
  if (getLayer() >= static_cast<uint64_t>(cache.getLayers())) // kv_layer_c1
    return emitOpError("expected a layer below ")
           << cache.getLayers() << ", but got " << getLayer();
  KVCacheType expected = cache.withLayers(1);
  if (getType() != expected) // kv_layer_c1
    return emitOpError("expected type ")
           << expected << ", but got " << getType();
  return success();
}

void KVStoreOp::getEffects(EffectList &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getCacheMutable());
  for (OpOperand *operand :
       {&getKeysMutable(), &getValuesMutable(), &getPositionMutable()})
    if (isa<MemRefType>(operand->get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), operand);
}

LogicalResult KVStoreOp::verify() {
  if (failed(verifyCache(*this, getCache().getType()))) // kv_store_c2
    return failure();
  auto [heads, dim, element] = getCacheShape(getCache().getType());
  if (failed(verifyColumns(*this, "keys", lastDim(getKeys().getType()),
                           heads * dim))) // kv_store_c1
    return failure();
  if (failed(verifyColumns(*this, "values", lastDim(getValues().getType()),
                           heads * dim)))
    return failure();
  if (failed(ternary::verifySameTokens(
          *this, {getKeys().getType(), getValues().getType()}))) // kv_store_c3
    return failure();
  return verifyCachePlaces(*this, getCache().getType(), // kv_store_c4
                           getPosition().getType(), getKeys().getType());
}

/// Reads the cache even where it works on tensors.
template <typename Op>
static void getEffectsWithCache(Op op, EffectList &list) {
  ternary::getKernelEffects(op, op.getOuts(), list);
  if (op.getOuts().empty())
    list.emplace_back(MemoryEffects::Read::get(), &op.getCacheMutable());
}

SmallVector<unsigned> AttentionOp::getTokenOperands() { return {}; }

void AttentionOp::getEffects(EffectList &effects) {
  getEffectsWithCache(*this, effects);
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  if (failed(verifyCache(*this, getCache().getType()))) // attention_c3
    return failure();
  if (failed(verifyHeads(*this, getCache().getType(), getHeads(),
                         getQueries().getType()))) // attention_c1, attention_c2
    return failure();
  if (failed(verifyTokens(*this, getQueries().getType())))
    return failure();
  return verifyCachePlaces(*this, getCache().getType(), // attention_c4
                           getPosition().getType(), getQueries().getType());
}

SmallVector<unsigned> AttentionPartOp::getTokenOperands() { return {}; }

void AttentionPartOp::getEffects(EffectList &effects) {
  getEffectsWithCache(*this, effects);
}

LogicalResult AttentionPartOp::verify() {
  if (failed(verifyF32Results(*this, 2)))
    return failure();
  if (failed(verifyCache(*this, getCache().getType()))) // attention_part_c3
    return failure();
  if (failed(verifyCachePlaces(*this, getCache().getType(),
                               getPosition().getType(),
                               getQueries().getType()))) // attention_part_c3
    return failure();
  if (failed(verifySingle(*this, getQueries().getType()))) // attention_part_c1
    return failure();
  if (failed(verifyHeads(*this, getCache().getType(), getHeads(),
                         getQueries().getType()))) // attention_part_c2
    return failure();
  return verifyColumns(*this, "a state", resultColumns(*this, 1),
                       2 * getHeads());
}

LogicalResult AttentionMergeOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  if (failed(verifySingle(
          *this, ternary::getKernelResultType(*this, 0)))) // attention_merge_c1
    return failure();
  int64_t heads = getHeads(), columns = lastDim(getSums().getType());
  if (heads <= 0 || columns % heads != 0) // attention_merge_c1
    return emitOpError("expected a divisor of ")
           << columns << " columns as heads, but got " << heads;
  if (failed(verifyColumns(*this, "states", lastDim(getStates().getType()),
                           2 * heads))) // attention_merge_c2
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this), columns);
}
