//===- Attention.cpp - Causal attention of one token over the cache -------===//
//
// Softmax in one pass (arXiv:2205.14135): positions come in blocks of 64,
// aligned to position 0, and each block rescales what the blocks before it
// summed up. A token's result so depends on its position alone, not on the
// tokens handled with it. All query heads that share a key-value head are
// handled together, so that keys and values are read from memory once.
//
// The order of all sums, the same on every target:
// * score = (sum over the head's columns, fused, column d in lane d mod 16,
//   folded by halves) * (1 / sqrt(dim) rounded to f32); transformers multiplies
//   the scores, too, not the queries;
// * sum of a block's weights e^(score - maximum): position j in lane j mod 16,
//   lanes folded by halves; sum = fma(sum, factor, block's sum);
// * result: acc = acc * factor, then acc = fma(weight, value, acc) by position.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "MathEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>
#include <numeric>

using namespace mlir;

namespace bitnetc {

/// Positions of one block. The scores of 4 heads are 1 KB.
static constexpr int64_t blockPositions = 64;
/// Positions handled together: four sums in flight hide the latency of the
/// multiply-adds.
static constexpr int64_t positionsTogether = 4;
/// Heads whose sums share the loads of a value; with their 16 weights they
/// still fit into 32 registers.
static constexpr int64_t headsTogether = 4;
/// How far ahead of its use a key or value is prefetched, in bytes, as in
/// Head.cpp.
static constexpr int64_t prefetchBytes = 3072;
static constexpr int64_t lineBytes = 64;
/// Indices of keys and values in the first dimension of the cache.
static constexpr int64_t keyHalf = 0, valueHalf = 1;

namespace {

/// The loops of one attention operation. The members hold the values of the
/// token and the key-value head whose code is being written.
class AttentionEmitter {
public:
  AttentionEmitter(VectorEmitter &e, bitnet::AttentionOp op)
      : e(e), op(op), cache(op.getCache()) {
    auto type = cast<MemRefType>(cache.getType());
    kvHeads = type.getDimSize(1);
    dim = type.getDimSize(3);
    elementBytes = type.getElementType().getIntOrFloatBitWidth() / 8;
    group = op.getHeads() / kvHeads;
    // Rows padded to whole vectors need no care for tails.
    int64_t padded = llvm::alignTo(dim, VectorEmitter::lanes);
    queries = e.allocate({group, padded});
    sums = e.allocate({group, padded});
    weights = e.allocate({group, blockPositions});
    maxima = e.allocate({group});
    totals = e.allocate({group});
  }

  void emit() {
    Value out = op.getOuts().front();
    e.forTokens(out, [&](Value m) {
      end = e.addIndex(e.addIndex(op.getPosition(), m), 1);
      e.forLoop(e.index(0), e.index(kvHeads), 1, [&](Value head) {
        kvHead = head;
        Value firstColumn = e.mulIndex(head, group * dim);
        emitStart(m, firstColumn);
        e.forLoop(e.index(0), end, blockPositions, [&](Value first) {
          block = first;
          Value left = arith::SubIOp::create(e.builder, e.loc, end, block);
          length = e.minIndex(left, e.index(blockPositions));
          emitScores();
          emitSoftmax();
          emitValues();
        });
        emitResult(m, firstColumn);
      });
    });
  }

private:
  /// `body(g)` for every query head of the group.
  void forHeads(function_ref<void(Value)> body) {
    e.forLoop(e.index(0), e.index(group), 1, body);
  }

  /// Copies the queries and clears the sums.
  void emitStart(Value m, Value firstColumn) {
    Type f32 = e.builder.getF32Type();
    forHeads([&](Value g) {
      Value from = e.addIndex(firstColumn, e.mulIndex(g, dim));
      e.rowLoop(dim, [&](Value column, int64_t width) {
        e.store(e.load(op.getQueries(), {m, e.addIndex(from, column)}, width),
                queries, {g, column});
        e.store(e.constant(e.rowType(), 0), sums, {g, column});
      });
      e.storeScalar(e.constant(f32, -INFINITY), maxima, g);
      e.storeScalar(e.constant(f32, 0), totals, g);
    });
  }

  /// `body(j, rows)` for the positions j, j + 4, ... of the block; `rows` are
  /// the cache rows of four of them. Behind the last position the rows repeat
  /// it, because no row need exist there; `emitSoftmax` drops their scores.
  void forPositions(function_ref<void(Value, ValueRange)> body) {
    auto emitGroup = [&](Value j, bool isLast) {
      Values rows;
      Value first = e.addIndex(block, j);
      for (int64_t i = 0; i < positionsTogether; ++i) {
        Value row = e.addIndex(first, i);
        rows.push_back(isLast ? e.minIndex(row, e.addIndex(end, -1)) : row);
      }
      body(j, rows);
    };
    Value tail = arith::RemUIOp::create(e.builder, e.loc, length,
                                        e.index(positionsTogether));
    Value full = arith::SubIOp::create(e.builder, e.loc, length, tail);
    e.forLoop(e.index(0), full, positionsTogether,
              [&](Value j) { emitGroup(j, /*isLast=*/false); });
    Value hasTail = arith::CmpIOp::create(
        e.builder, e.loc, arith::CmpIPredicate::ne, tail, e.index(0));
    e.ifThen(hasTail, [&] { emitGroup(full, /*isLast=*/true); });
  }

  /// Asks for `elements` elements that are needed `prefetchBytes` after `row`,
  /// from the `first` on; rows follow each other in memory. All four rows at
  /// once would wait for the fill buffers of the first-level cache, so each
  /// head or column asks for its share.
  void prefetch(int64_t half, Value row, Value first, int64_t elements) {
    int64_t ahead = llvm::divideCeil(prefetchBytes, dim * elementBytes);
    for (int64_t i = 0; i < elements; i += lineBytes / elementBytes)
      e.prefetch(cache, {e.index(half), kvHead, e.addIndex(row, ahead),
                         e.addIndex(first, i)});
  }

  /// weights[g, j] = scaled product of query g and the key of position j.
  void emitScores() {
    VectorType type =
        VectorType::get(positionsTogether, e.builder.getF32Type());
    Value scale = e.constant(type, 1 / std::sqrt(static_cast<double>(dim)));
    Values zeros(positionsTogether, e.constant(e.rowType(), 0));
    int64_t share = llvm::divideCeil(positionsTogether * dim, group);
    forPositions([&](Value j, ValueRange rows) {
      forHeads([&](Value g) {
        prefetch(keyHalf, rows.front(), e.mulIndex(g, share), share);
        Values products = e.rowLoop(
            dim, zeros, [&](Value column, int64_t width, ValueRange args) {
              Value query = e.load(queries, {g, column});
              Values next;
              for (auto [row, sum] : llvm::zip_equal(rows, args))
                next.push_back(
                    e.fma(loadCache(keyHalf, row, column, width), query, sum));
              return next;
            });
        e.store(e.mul(e.foldSum(products), scale), weights, {g, j},
                positionsTogether);
      });
    });
  }

  /// Scores become weights e^(score - maximum), 0 behind the last position;
  /// rescales the sums to the new maximum.
  void emitSoftmax() {
    VectorType ints =
        VectorType::get(VectorEmitter::lanes, e.builder.getI32Type());
    Value limit = e.broadcast(arith::IndexCastOp::create(
        e.builder, e.loc, e.builder.getI32Type(), length));
    forHeads([&](Value g) {
      Values scores;
      Value infinity = e.constant(e.rowType(), -INFINITY);
      for (int32_t j = 0; j < blockPositions; j += VectorEmitter::lanes) {
        auto range =
            llvm::to_vector(llvm::seq<int32_t>(j, j + VectorEmitter::lanes));
        Value positions = arith::ConstantOp::create(
            e.builder, e.loc, DenseElementsAttr::get(ints, ArrayRef(range)));
        Value isValid = arith::CmpIOp::create(
            e.builder, e.loc, arith::CmpIPredicate::slt, positions, limit);
        scores.push_back(
            e.select(isValid, e.load(weights, {g, e.index(j)}), infinity));
      }
      auto max = [&](Value a, Value b) { return e.max(a, b); };
      Value blockMax = e.fold(
          std::accumulate(scores.begin() + 1, scores.end(), scores[0], max),
          max);
      Value before = e.loadScalar(maxima, g);
      Value now = e.max(e.extract(blockMax, 0), before);
      e.storeScalar(now, maxima, g);
      Value factor = emitExp(e, e.sub(before, now));
      Value shift = e.broadcast(now), lanes;
      for (auto [i, score] : llvm::enumerate(scores)) {
        Value weight = emitExp(e, e.sub(score, shift));
        e.store(weight, weights, {g, e.index(i * VectorEmitter::lanes)});
        lanes = lanes ? e.add(lanes, weight) : weight;
      }
      Value total = e.fma(e.loadScalar(totals, g), factor,
                          e.extract(e.foldSum(lanes), 0));
      e.storeScalar(total, totals, g);
      Value factors = e.broadcast(factor);
      e.rowLoop(dim, [&](Value column, int64_t) {
        e.store(e.mul(e.load(sums, {g, column}), factors), sums, {g, column});
      });
    });
  }

  /// sums[g] += weights[g, j] * value of position j.
  void emitValues() {
    forPositions([&](Value j, ValueRange rows) {
      int64_t full = group / headsTogether * headsTogether;
      if (full > 0)
        e.forLoop(e.index(0), e.index(full), headsTogether, [&](Value g) {
          emitValuesOfHeads(g, headsTogether, j, rows);
        });
      if (full < group)
        emitValuesOfHeads(e.index(full), group - full, j, rows);
    });
  }

  void emitValuesOfHeads(Value firstHead, int64_t count, Value j,
                         ValueRange rows) {
    VectorType type =
        VectorType::get(positionsTogether, e.builder.getF32Type());
    Values heads, factors; // count x 4 weights
    for (int64_t i = 0; i < count; ++i) {
      heads.push_back(e.addIndex(firstHead, i));
      Value weight = vector::LoadOp::create(e.builder, e.loc, type, weights,
                                            ValueRange{heads.back(), j});
      for (int64_t p = 0; p < positionsTogether; ++p)
        factors.push_back(e.broadcast(e.extract(weight, p)));
    }
    e.rowLoop(dim, [&](Value column, int64_t width) {
      Values values;
      prefetch(valueHalf, rows.front(), e.mulIndex(column, positionsTogether),
               positionsTogether * width);
      for (Value row : rows)
        values.push_back(loadCache(valueHalf, row, column, width));
      for (auto [i, g] : llvm::enumerate(heads)) {
        Value sum = e.load(sums, {g, column});
        for (auto [p, value] : llvm::enumerate(values))
          sum = e.fma(factors[i * positionsTogether + p], value, sum);
        e.store(sum, sums, {g, column});
      }
    });
  }

  /// Divides the sums by the total of the weights.
  void emitResult(Value m, Value firstColumn) {
    forHeads([&](Value g) {
      Value to = e.addIndex(firstColumn, e.mulIndex(g, dim));
      Value total = e.broadcast(e.loadScalar(totals, g));
      e.rowLoop(dim, [&](Value column, int64_t width) {
        e.store(e.div(e.load(sums, {g, column}), total), op.getOuts().front(),
                {m, e.addIndex(to, column)}, width);
      });
    });
  }

  Value loadCache(int64_t half, Value row, Value column, int64_t width) {
    return e.load(cache, {e.index(half), kvHead, row, column}, width);
  }

  VectorEmitter &e;
  bitnet::AttentionOp op;
  Value cache;
  int64_t kvHeads, dim, elementBytes;
  /// Query heads for each key-value head.
  int64_t group;
  /// Buffers of one group: queries and sums [group, dim], weights (before that
  /// scores) of a block [group, 64], running maximum and total [group].
  Value queries, sums, weights, maxima, totals;
  /// Positions of the token, its key-value head; the block's first position
  /// and number of positions.
  Value end, kvHead, block, length;
};

} // namespace

void emitKernel(VectorEmitter &e, bitnet::AttentionOp op) {
  AttentionEmitter(e, op).emit();
}

} // namespace bitnetc
