//===- Attention.cpp - Causal attention over the cache --------------------===//
//
// The order of all sums is that of bitnet.attention's definition. What is free
// is which rows, positions and columns are handled together: a row (one query
// head of one token) is a product of its own from the scores to the result.
//
// Both products, scores = queries * keys and sums = weights * values, are tiles
// of 4 rows by as many vectors as fit into registers: each vector of the cache
// is loaded once for 4 rows, each query or weight is repeated for all vectors.
// Vectors are 16 positions of keys, 16 columns of values. Tiles go over units
// of the cache that fit into the first-level cache, all rows for each unit.
//
// A single token reads each unit once, so memory decides: it asks for the next
// unit while it handles one, across heads and from keys to values.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "AttentionSums.h"
#include "CacheView.h"
#include "Lowerings.h"
#include "MathEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;

namespace bitnetc {

static constexpr int64_t block = bitnet::cacheBlock;
static constexpr int64_t partPositions = bitnet::attentionPart;
/// Rows of a tile, and the most vectors: 16 sums hide the latency of the
/// multiply-adds, more would not make loads rarer enough to matter.
static constexpr int64_t tileRows = 4, tileVectors = 4;
/// Rows of a prompt handled together: enough to load the cache's units from the
/// second-level cache seldom, few enough to share tokens out among threads.
static constexpr int64_t promptRows = 32;
/// Bytes of a unit of the cache. A single token needs what it asked for early
/// one unit later; a prompt uses a unit for all rows while it is in L1.
static constexpr int64_t tokenUnitBytes = 8192, promptUnitBytes = 32768;
static constexpr int64_t lineBytes = 64;

namespace {

/// The loops of one operation. Members hold the values of the tokens, the
/// key-value head and the part whose code is being written.
class AttentionEmitter {
public:
  AttentionEmitter(VectorEmitter &e, Value queries, Value cacheRef,
                   Value position, int64_t heads)
      : e(e), cache(e, cacheRef), queryRows(queries), position(position),
        group(heads / cache.heads),
        isSingle(cast<MemRefType>(queries.getType()).getDimSize(0) == 1),
        maxTokens(isSingle ? 1 : std::max<int64_t>(promptRows / group, 1)),
        rows(maxTokens * group), part(e, rows, cache.dim) {
    int64_t padded = llvm::alignTo(cache.dim, VectorEmitter::lanes);
    queryBuffer = e.allocate({rows, padded});
    weights = e.allocate({rows, partPositions});
  }

  void emitAttention(Value out) {
    AttentionMerger total(e, rows, cache.dim);
    forTokens([&] {
      forKVHeads([&](Value firstColumn) {
        Value count = e.mulIndex(tokens, group);
        total.clear(e, count);
        Value end = getEnd();
        e.forLoop(e.index(0), end, partPositions, [&](Value first) {
          emitPart(first);
          e.forLoop(e.index(0), count, VectorEmitter::lanes, [&](Value row) {
            total.mergeStates(e, row, e.load(part.maxima, row),
                              e.load(part.totals, row));
          });
          forSeeingRows([&](Value row) {
            total.mergeSums(e, row, [&](Value column, int64_t) {
              return e.load(part.sums, {row, column});
            });
          });
        });
        forRows([&](Value row) {
          Place to = getPlace(row, firstColumn);
          total.finish(e, row, out, to.token, to.column);
        });
      });
    });
  }

  void emitPartOnly(Value index, Value sums, Value state, int64_t heads) {
    forTokens([&] {
      forKVHeads([&](Value firstColumn) {
        emitPart(e.mulIndex(index, partPositions));
        forRows([&](Value row) {
          Place to = getPlace(row, firstColumn);
          Value head = e.addIndex(e.mulIndex(kvHead, group), row);
          e.storeScalar(e.loadScalar(part.maxima, row), state,
                        {to.token, head});
          e.storeScalar(e.loadScalar(part.totals, row), state,
                        {to.token, e.addIndex(head, heads)});
          e.rowLoop(cache.dim, [&](Value c, int64_t width) {
            e.store(e.load(part.sums, {row, c}), sums,
                    {to.token, e.addIndex(to.column, c)}, width);
          });
        });
      });
    });
  }

private:
  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  /// `body` for each group of at most `maxTokens` tokens.
  void forTokens(function_ref<void()> body) {
    auto handle = [&](Value first, Value count) {
      firstToken = first;
      tokens = count;
      body();
    };
    if (isSingle)
      return handle(e.index(0), e.index(1));
    Value all = memref::DimOp::create(e.builder, e.loc, queryRows, 0);
    e.forLoop(e.index(0), all, maxTokens, [&](Value first) {
      Value left = arith::SubIOp::create(e.builder, e.loc, all, first);
      handle(first, e.minIndex(left, e.index(maxTokens)));
    });
  }

  /// `body(first column of the queries)` for each key-value head.
  void forKVHeads(function_ref<void(Value)> body) {
    e.forLoop(e.index(0), e.index(cache.heads), 1, [&](Value head) {
      kvHead = head;
      Value firstColumn = e.mulIndex(head, group * cache.dim);
      forRows([&](Value row) {
        Place from = getPlace(row, firstColumn);
        e.rowLoop(cache.dim, [&](Value c, int64_t width) {
          Values place = {from.token, e.addIndex(from.column, c)};
          e.store(e.load(queryRows, place, width), queryBuffer, {row, c});
        });
      });
      body(firstColumn);
    });
  }

  /// Where a row is among the queries and results.
  struct Place {
    Value token, column;
  };
  Place getPlace(Value row, Value firstColumn) {
    if (isSingle)
      return {e.index(0), e.addIndex(firstColumn, e.mulIndex(row, cache.dim))};
    auto [token, head] = e.divRem(row, group);
    return {e.addIndex(firstToken, token),
            e.addIndex(firstColumn, e.mulIndex(head, cache.dim))};
  }

  void forRows(function_ref<void(Value)> body) {
    e.forLoop(e.index(0), e.mulIndex(tokens, group), 1, body);
  }

  /// Rows that see a position of the part: all, unless it starts between the
  /// tokens.
  void forSeeingRows(function_ref<void(Value)> body) {
    forRows([&](Value row) {
      if (isSingle)
        return body(row);
      Value sees =
          arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::sgt,
                                getLength(row), e.index(0));
      e.ifThen(sees, [&] { body(row); });
    });
  }

  /// `body(first row, number of rows)` for tiles of rows.
  void forTiles(function_ref<void(Value, int64_t)> body) {
    if (isSingle) {
      int64_t full = group / tileRows * tileRows;
      if (full > 0)
        e.forLoop(e.index(0), e.index(full), tileRows,
                  [&](Value row) { body(row, tileRows); });
      if (full < group)
        body(e.index(full), group - full);
      return;
    }
    Value rows = e.mulIndex(tokens, group);
    Value full = e.mulIndex(e.divRem(rows, tileRows).first, tileRows);
    e.forLoop(e.index(0), full, tileRows,
              [&](Value row) { body(row, tileRows); });
    if (group % tileRows != 0)
      e.forLoop(full, rows, 1, [&](Value row) { body(row, 1); });
  }

  /// `body(first block of the part, number of blocks)` for units of the part;
  /// what is left at its end are units of half the size, and so on.
  void forUnits(function_ref<void(Value, int64_t)> body) {
    int64_t bytes = isSingle ? tokenUnitBytes : promptUnitBytes;
    int64_t unit = 1;
    while (unit < tileVectors &&
           2 * unit * block * cache.dim * cache.elementBytes <= bytes)
      unit *= 2;
    Value begin = e.index(0);
    for (bool isWhole = true; unit > 0; unit /= 2, isWhole = false) {
      Value end = e.mulIndex(e.divRem(blocks, unit).first, unit);
      if (isWhole)
        e.forLoop(begin, end, unit, [&](Value b) { body(b, unit); });
      else // at most one
        e.ifThen(arith::CmpIOp::create(e.builder, e.loc,
                                       arith::CmpIPredicate::slt, begin, end),
                 [&] { body(begin, unit); });
      begin = end;
    }
  }

  /// The most vectors, a power of two, that a tile of `rows` rows has registers
  /// for, with one for each vector and one for the repeated number.
  int64_t getVectors(int64_t rows, int64_t most) {
    int64_t vectors = 1;
    while (2 * vectors <= most && 2 * vectors * (rows + 1) < e.registers)
      vectors *= 2;
    return vectors;
  }

  //===--------------------------------------------------------------------===//
  // One part
  //===--------------------------------------------------------------------===//

  /// Positions up to that of the last token.
  Value getEnd() {
    return e.addIndex(e.addIndex(position, firstToken), tokens);
  }

  /// Positions of the part that a row sees; may be negative.
  Value getLength(Value row) {
    if (isSingle)
      return length;
    Value token = e.addIndex(firstToken, e.divRem(row, group).first);
    Value end = e.addIndex(e.addIndex(position, token), 1);
    return e.minIndex(arith::SubIOp::create(e.builder, e.loc, end, first),
                      e.index(partPositions));
  }

  /// Fills `part` from the positions `from` on.
  void emitPart(Value from) {
    first = from;
    firstBlock = e.divRem(first, block).first;
    length =
        e.minIndex(arith::SubIOp::create(e.builder, e.loc, getEnd(), first),
                   e.index(partPositions));
    blocks = e.divRem(e.addIndex(length, block - 1), block).first;
    forUnits([&](Value b, int64_t unit) {
      forTiles(
          [&](Value row, int64_t rows) { emitScores(row, rows, b, unit); });
    });
    // Rows that see none of the positions keep this.
    part.clear(e, e.mulIndex(tokens, group));
    forSeeingRows([&](Value row) { emitSoftmax(row); });
    forUnits([&](Value b, int64_t unit) {
      forTiles(
          [&](Value row, int64_t rows) { emitValues(row, rows, b, unit); });
    });
    // A tile stops where its first row does; rows of later tokens go on.
    if (!isSingle && group % tileRows != 0)
      forTiles([&](Value row, int64_t rows) {
        for (int64_t r = 1; r < rows; ++r)
          emitLastValues(row, e.addIndex(row, r));
      });
  }

  /// What is read after unit `b` of a half: the next unit, the values behind
  /// the keys, the next part or the next head behind the values.
  struct Next {
    Value half, head, block;
  };
  Next getNext(int64_t half, Value b, int64_t unit) {
    Value next = e.addIndex(b, unit);
    Value isInside = arith::CmpIOp::create(
        e.builder, e.loc, arith::CmpIPredicate::slt, next, blocks);
    auto pick = [&](Value condition, Value a, Value b) {
      return e.select(condition, a, b);
    };
    Value keys = e.index(CacheView::keys), values = e.index(CacheView::values);
    Value ahead = e.addIndex(firstBlock, next);
    if (half == CacheView::keys)
      return {pick(isInside, keys, values), kvHead,
              pick(isInside, ahead, firstBlock)};
    Value exists =
        arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::sle,
                              e.mulIndex(ahead, block), position);
    return {pick(isInside, values, keys),
            pick(exists, kvHead, e.addIndex(kvHead, 1)),
            pick(exists, ahead, e.index(0))};
  }

  /// weights[row, ...] = scores of some rows and blocks.
  void emitScores(Value row, int64_t rows, Value b, int64_t unit) {
    int64_t vectors = getVectors(rows, unit);
    Next next;
    if (isSingle)
      next = getNext(CacheView::keys, b, unit);
    // Steps of whole cache lines.
    int64_t step = lineBytes / (block * cache.elementBytes);
    if (cache.dim % step != 0)
      step = 1;
    e.forLoop(e.index(0), e.index(unit), vectors, [&](Value c) {
      Value inPart = e.addIndex(b, c), inCache = e.addIndex(firstBlock, inPart);
      Values sums(rows * vectors, e.constant(e.rowType(), 0));
      auto addColumns = [&](Value column, ValueRange args) -> Values {
        if (isSingle)
          for (int64_t v = 0; v < vectors; ++v)
            cache.prefetch(next.half, next.head,
                           e.addIndex(e.addIndex(next.block, c), v),
                           cache.getKeys(column));
        Values sums(args);
        for (int64_t i = 0; i < step; ++i) {
          Value d = e.addIndex(column, i);
          addProducts(
              sums, rows, vectors,
              [&](int64_t v) {
                return cache.loadKeys(kvHead, e.addIndex(inCache, v), d);
              },
              [&](int64_t r) {
                return e.loadScalar(queryBuffer, {e.addIndex(row, r), d});
              });
        }
        return sums;
      };
      sums = e.forLoop(e.index(0), e.index(cache.dim), step, sums, addColumns);
      Value scale = e.constant(e.rowType(),
                               1 / std::sqrt(static_cast<double>(cache.dim)));
      for (int64_t v = 0; v < vectors; ++v) {
        Value keyScales;
        if (cache.isScaled)
          keyScales =
              cache.loadScales(CacheView::keys, kvHead, e.addIndex(inCache, v));
        Value to = e.mulIndex(e.addIndex(inPart, v), block);
        for (int64_t r = 0; r < rows; ++r) {
          Value score = sums[r * vectors + v];
          if (cache.isScaled)
            score = e.mul(score, keyScales);
          e.store(e.mul(score, scale), weights, {e.addIndex(row, r), to});
        }
      }
    });
  }

  /// sums[r, v] = fma(number(r), vector(v), sums[r, v]).
  void addProducts(Values &sums, int64_t rows, int64_t vectors,
                   function_ref<Value(int64_t)> vector,
                   function_ref<Value(int64_t)> number) {
    Values loaded;
    for (int64_t v = 0; v < vectors; ++v)
      loaded.push_back(vector(v));
    for (int64_t r = 0; r < rows; ++r) {
      Value repeated = e.broadcast(number(r));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[r * vectors + v];
        sum = e.fma(repeated, loaded[v], sum);
      }
    }
  }

  /// Scores of a row become weights e^(score - maximum), 0 behind its last
  /// position; sets maximum and total of `part`.
  void emitSoftmax(Value row) {
    VectorType ints = e.rowType().clone(e.builder.getI32Type());
    auto range = llvm::to_vector(llvm::seq<int32_t>(0, block));
    Value lanes = arith::ConstantOp::create(
        e.builder, e.loc, DenseElementsAttr::get(ints, ArrayRef(range)));
    Value infinity = e.constant(e.rowType(), -INFINITY);
    Value visible = getLength(row);
    auto loadScores = [&](Value b) {
      Value first = e.mulIndex(b, block);
      Value left = arith::SubIOp::create(e.builder, e.loc, visible, first);
      Value limit = e.broadcast(arith::IndexCastOp::create(
          e.builder, e.loc, e.builder.getI32Type(), left));
      Value isVisible = arith::CmpIOp::create(
          e.builder, e.loc, arith::CmpIPredicate::slt, lanes, limit);
      return e.select(isVisible, e.load(weights, {row, first}), infinity);
    };
    auto max = [&](Value a, Value b) { return e.max(a, b); };
    Values peak = e.forLoop(e.index(0), blocks, 1, infinity,
                            [&](Value b, ValueRange args) -> Values {
                              return {max(loadScores(b), args[0])};
                            });
    Value maximum = e.extract(e.fold(peak, max), 0);
    Value shift = e.broadcast(maximum);
    Values sum = e.forLoop(
        e.index(0), blocks, 1, e.constant(e.rowType(), 0),
        [&](Value b, ValueRange args) -> Values {
          Value weight = emitExp(e, e.sub(loadScores(b), shift));
          Value stored = weight;
          if (cache.isScaled)
            stored = e.mul(weight, cache.loadScales(CacheView::values, kvHead,
                                                    e.addIndex(firstBlock, b)));
          e.store(stored, weights, {row, e.mulIndex(b, block)});
          return {e.add(args[0], weight)};
        });
    e.storeScalar(maximum, part.maxima, row);
    e.storeScalar(e.extract(e.foldSum(sum), 0), part.totals, row);
  }

  /// sums[row, ...] += weights * values of some rows and blocks.
  void emitValues(Value row, int64_t rows, Value b, int64_t unit) {
    int64_t all = llvm::divideCeil(cache.dim, VectorEmitter::lanes);
    int64_t vectors = getVectors(rows, std::min<int64_t>(all, 2 * tileVectors));
    int64_t columns = vectors * VectorEmitter::lanes;
    int64_t full = cache.dim / columns * columns;
    Next next;
    if (isSingle)
      next = getNext(CacheView::values, b, unit);
    e.forLoop(e.index(0), e.index(full), columns, [&](Value column) {
      emitValueTile(row, rows, b, unit, column, columns, next);
    });
    if (full < cache.dim)
      emitValueTile(row, rows, b, unit, e.index(full), cache.dim - full, next);
  }

  void emitValueTile(Value row, int64_t rows, Value b, int64_t unit,
                     Value column, int64_t columns, Next next) {
    int64_t vectors = llvm::divideCeil(columns, VectorEmitter::lanes);
    auto place = [&](int64_t i) -> std::array<Value, 2> {
      return {e.addIndex(row, i / vectors),
              e.addIndex(column, i % vectors * VectorEmitter::lanes)};
    };
    Value visible = getLength(row);
    Values sums;
    for (int64_t i = 0; i < rows * vectors; ++i)
      sums.push_back(e.load(part.sums, place(i)));
    auto addBlock = [&](Value c, ValueRange args) {
      Value inPart = e.addIndex(b, c), inCache = e.addIndex(firstBlock, inPart);
      Value from = e.mulIndex(inPart, block);
      Value left = arith::SubIOp::create(e.builder, e.loc, visible, from);
      auto addPosition = [&](Value j, ValueRange args) -> Values {
        if (isSingle)
          for (int64_t i = 0; i < columns; i += lineBytes / cache.elementBytes)
            cache.prefetch(next.half, next.head, e.addIndex(next.block, c),
                           cache.getValue(j, e.addIndex(column, i)));
        Values sums(args);
        addProducts(
            sums, rows, vectors,
            [&](int64_t v) {
              int64_t done = v * VectorEmitter::lanes;
              return cache.loadValue(
                  kvHead, inCache, j, e.addIndex(column, done),
                  std::min(columns - done, VectorEmitter::lanes));
            },
            [&](int64_t r) {
              return e.loadScalar(weights,
                                  {e.addIndex(row, r), e.addIndex(from, j)});
            });
        return sums;
      };
      return e.forLoop(e.index(0), e.minIndex(left, e.index(block)), 1, args,
                       addPosition);
    };
    sums = e.forLoop(e.index(0), e.index(unit), 1, sums, addBlock);
    for (auto [i, sum] : llvm::enumerate(sums))
      e.store(sum, part.sums, place(i));
  }

  /// The values of the positions that `row` sees and `before` does not.
  void emitLastValues(Value before, Value row) {
    Value from = e.maxIndex(getLength(before), e.index(0));
    e.forLoop(from, getLength(row), 1, [&](Value p) {
      auto place = e.divRem(p, block);
      Value inCache = e.addIndex(firstBlock, place.first);
      Value weight = e.broadcast(e.loadScalar(weights, {row, p}));
      e.rowLoop(cache.dim, [&](Value column, int64_t width) {
        Value value =
            cache.loadValue(kvHead, inCache, place.second, column, width);
        e.store(e.fma(weight, value, e.load(part.sums, {row, column})),
                part.sums, {row, column});
      });
    });
  }

  VectorEmitter &e;
  CacheView cache;
  Value queryRows, position;
  /// Query heads for each key-value head; a token's rows.
  int64_t group;
  /// There is one token: `length` is that of all rows.
  bool isSingle;
  /// The most tokens handled together, and their rows.
  int64_t maxTokens, rows;
  /// Buffers for the rows of some tokens and one key-value head: queries [rows,
  /// dim], weights (before that scores) of a part [rows, 256].
  Value queryBuffer, weights;
  AttentionSums part;
  /// Tokens handled together, their key-value head.
  Value firstToken, tokens, kvHead;
  /// The part's first position and block, and how many of both the last token
  /// sees.
  Value first, firstBlock, length, blocks;
};

} // namespace

void emitKernel(VectorEmitter &e, bitnet::AttentionOp op) {
  AttentionEmitter(e, op.getQueries(), op.getCache(), op.getPosition(),
                   op.getHeads())
      .emitAttention(op.getOuts().front());
}

void emitKernel(VectorEmitter &e, bitnet::AttentionPartOp op) {
  AttentionEmitter(e, op.getQueries(), op.getCache(), op.getPosition(),
                   op.getHeads())
      .emitPartOnly(op.getPart(), op.getOuts()[0], op.getOuts()[1],
                    op.getHeads());
}

} // namespace bitnetc
