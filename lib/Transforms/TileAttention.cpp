//===- TileAttention.cpp - Loops over tokens and their places -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "TileAttention.h"

#include "ParallelEmitter.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;
using Emitter = ParallelEmitter;

namespace {

/// Query rows (heads of tokens) of one item of attention, about: they share the
/// loads of keys and values.
constexpr int64_t kAttentionRows = 32;

/// Where a token stands: the position `first` + `token` of the one sequence of
/// `cache`, or what the places say.
struct Place {
  Value cache, position;

  Place(Emitter &e, Value token, Value places, Value cache = nullptr)
      : cache(cache) {
    if (places.getType().isIndex()) {
      position = e.add(places, token);
      return;
    }
    auto load = [&](int64_t column) -> Value {
      Value number = memref::LoadOp::create(e.builder, e.loc, places,
                                            ValueRange{token, e.index(column)});
      return arith::IndexCastUIOp::create(e.builder, e.loc,
                                          e.builder.getIndexType(), number);
    };
    position = load(1);
    if (cache)
      this->cache = sliceSequence(e, cache, load(0));
  }

  /// The cache of one of several sequences.
  static Value sliceSequence(Emitter &e, Value caches, Value sequence) {
    auto type = cast<MemRefType>(caches.getType());
    Indices offsets(type.getRank(), e.attr(0)), sizes,
        strides(type.getRank(), e.attr(1));
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      sizes.push_back(e.size(caches, dim));
    offsets[0] = sequence;
    sizes[0] = e.attr(1);
    auto resultType = memref::SubViewOp::inferRankReducedResultType(
        type.getShape().drop_front(), type, offsets, sizes, strides);
    return memref::SubViewOp::create(e.builder, e.loc, resultType, caches,
                                     offsets, sizes, strides);
  }
};

/// The slices of one key-value head of attention.
struct HeadSlices {
  Emitter &e;
  Value cache;
  int64_t heads, dim, group; // key-value heads; query heads of each

  HeadSlices(Emitter &e, bitnet::AttentionOp op) : e(e), cache(op.getCache()) {
    bitnet::CacheShape shape = bitnet::getCacheShape(cache.getType());
    heads = shape.heads;
    dim = shape.dim;
    group = op.getHeads() / heads;
  }
  Value ofCache(Value head) { return ofCache(head, cache); }
  /// The head in the cache of one sequence.
  Value ofCache(Value head, Value cache) {
    auto type = cast<MemRefType>(cache.getType());
    return e.slice(
        cache, {e.attr(0), head, e.attr(0), e.attr(0)},
        {e.attr(2), e.attr(1), e.size(cache, 2), e.attr(type.getDimSize(3))});
  }
  /// A parallel loop over all heads and `count` items of tokens. All items of a
  /// head one after the other: they read the same keys and values, which fit
  /// the second-level cache longer than those of all heads.
  void forEach(Value count, function_ref<void(Value item, Value head)> body) {
    e.parallelFor(e.mul(count, heads), [&](Value i) {
      Value head = arith::DivUIOp::create(e.builder, e.loc, i, count);
      body(arith::RemUIOp::create(e.builder, e.loc, i, count), head);
    });
  }
  /// Attention of `rows` tokens from `row` on, the first at `position`, to the
  /// head in `cache`.
  void attend(bitnet::AttentionOp op, Value head, Value row, OpFoldResult rows,
              Value cache, Value position) {
    auto rowsOf = [&](Value memref) {
      return ofRows(memref, head, row, rows, dim);
    };
    Value queries = rowsOf(op.getQueries());
    Value keysAndValues = ofCache(head, cache);
    bitnet::AttentionOp::create(
        e.builder, e.loc, TypeRange(), queries, keysAndValues, position,
        rowsOf(op.getOuts()[0]), e.builder.getI64IntegerAttr(group));
  }
  /// Rows of a buffer with `columns` for each query head.
  Value ofRows(Value memref, Value head, OpFoldResult row, OpFoldResult rows,
               int64_t columns) {
    return e.slice(memref, {row, e.mul(head, group * columns)},
                   {rows, e.attr(group * columns)});
  }
};

/// Attention of many tokens -> loop over blocks of tokens and key-value heads.
void tileBlocks(bitnet::AttentionOp op) {
  Emitter e(op);
  HeadSlices slices(e, op);
  int64_t count = std::max<int64_t>(kAttentionRows / slices.group, 1);
  Value out = op.getOuts()[0];
  Value tokens = e.value(e.size(out, 0));
  Value blocks =
      arith::CeilDivUIOp::create(e.builder, e.loc, tokens, e.index(count));
  slices.forEach(blocks, [&](Value block, Value head) {
    Value first = e.mul(block, count);
    Value left = arith::SubIOp::create(e.builder, e.loc, tokens, first);
    OpFoldResult rows = e.attr(1); // a constant where it is known
    if (cast<MemRefType>(out.getType()).getDimSize(0) != 1)
      rows = arith::MinUIOp::create(e.builder, e.loc, left, e.index(count))
                 .getResult();
    slices.attend(op, head, first, rows, op.getCache(),
                  e.add(op.getPosition(), first));
  });
  op.erase();
}

/// Attention of tokens of several sequences -> loop over tokens and key-value
/// heads.
void tilePlaces(bitnet::AttentionOp op) {
  Emitter e(op);
  HeadSlices slices(e, op);
  Value tokens = e.value(e.size(op.getOuts()[0], 0));
  slices.forEach(tokens, [&](Value token, Value head) {
    Place place(e, token, op.getPosition(), op.getCache());
    slices.attend(op, head, token, e.attr(1), place.cache, place.position);
  });
  op.erase();
}

/// Attention of one token -> loop over key-value heads and parts of the
/// positions, at most `parts`, and a second one that merges the parts.
void tileParts(bitnet::AttentionOp op, int64_t parts) {
  Emitter e(op);
  HeadSlices slices(e, op);
  auto group = e.builder.getI64IntegerAttr(slices.group);
  OpFoldResult one = e.attr(1), zero = e.attr(0);
  auto allocate = [&](int64_t columns) -> Value {
    return memref::AllocOp::create(
        e.builder, e.loc,
        MemRefType::get({parts, static_cast<int64_t>(op.getHeads()) * columns},
                        e.builder.getF32Type()),
        e.builder.getI64IntegerAttr(64));
  };
  Value sums = allocate(slices.dim), states = allocate(2);
  Value last = arith::DivUIOp::create(e.builder, e.loc, op.getPosition(),
                                      e.index(bitnet::attentionPart));
  Value used = e.add(last, e.index(1));
  // All parts of a head one after the other: they are so in memory.
  e.parallelFor(e.mul(used, slices.heads), [&](Value i) {
    Value head = arith::DivUIOp::create(e.builder, e.loc, i, used);
    Value part = arith::RemUIOp::create(e.builder, e.loc, i, used);
    bitnet::AttentionPartOp::create(
        e.builder, e.loc, TypeRange(),
        slices.ofRows(op.getQueries(), head, zero, one, slices.dim),
        slices.ofCache(head), op.getPosition(), part,
        ValueRange{slices.ofRows(sums, head, part, one, slices.dim),
                   slices.ofRows(states, head, part, one, 2)},
        group);
  });
  OpFoldResult all = e.attr(parts);
  e.parallelFor(e.index(slices.heads), [&](Value head) {
    bitnet::AttentionMergeOp::create(
        e.builder, e.loc, TypeRange(),
        slices.ofRows(sums, head, zero, all, slices.dim),
        slices.ofRows(states, head, zero, all, 2), op.getPosition(),
        slices.ofRows(op.getOuts()[0], head, zero, one, slices.dim), group);
  });
  op.erase();
}

} // namespace

void bitnetc::tileAttention(bitnet::AttentionOp op) {
  if (!op.getPosition().getType().isIndex())
    return tilePlaces(op);
  auto module = op->getParentOfType<ModuleOp>();
  auto context = module->getAttrOfType<IntegerAttr>("bitnet.max_context");
  bool isSingle =
      cast<MemRefType>(op.getQueries().getType()).getDimSize(0) == 1;
  if (!isSingle || !context)
    return tileBlocks(op);
  tileParts(op, llvm::divideCeil(context.getInt(), bitnet::attentionPart));
}

void bitnetc::tileAngles(bitnet::RopeAnglesOp op) {
  if (op.getPosition().getType().isIndex())
    return;
  Emitter e(op);
  Value out = op.getOuts()[0];
  e.parallelFor(e.value(e.size(out, 0)), [&](Value token) {
    Place place(e, token, op.getPosition());
    bitnet::RopeAnglesOp::create(e.builder, e.loc, TypeRange(), place.position,
                                 op.getFrequencies(),
                                 sliceToken(e, out, token));
  });
  op.erase();
}

void bitnetc::tileStore(bitnet::KVStoreOp op) {
  Value keys = op.getKeys();
  if (op.getPosition().getType().isIndex() &&
      cast<MemRefType>(keys.getType()).getDimSize(0) == 1)
    return;
  Emitter e(op);
  e.parallelFor(e.value(e.size(keys, 0)), [&](Value token) {
    Place place(e, token, op.getPosition(), op.getCache());
    bitnet::KVStoreOp::create(e.builder, e.loc, sliceToken(e, keys, token),
                              sliceToken(e, op.getValues(), token), place.cache,
                              place.position);
  });
  op.erase();
}
