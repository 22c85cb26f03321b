//===- Head.cpp - Logits of a slice of the vocabulary ---------------------===//
//
// The output embedding is the largest single read of a token: a 2B model has
// 657 MB of it in bf16 and 417 MB of ternary weights. So every row is read
// once, four rows at a time, for all tokens, and asked for ahead of its use.
// Products are summed with fused multiply-adds in 16 lanes (column k in lane k
// mod 16) that are then folded by halves.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

using namespace mlir;

namespace bitnetc {

/// Rows handled together: they share the loads of the hidden state, and four
/// sums in flight hide the latency of the multiply-adds.
static constexpr int64_t rowsTogether = 4;
/// How far ahead of its use each row is prefetched, in bytes. On Sapphire
/// Rapids 2 to 3 KB are best, 1 KB costs 5 to 8 %, 4 KB 5 to 15 %.
static constexpr int64_t prefetchBytes = 3072;
static constexpr int64_t lineBytes = 64;

namespace {

/// The loops of one head.
class HeadEmitter {
public:
  HeadEmitter(VectorEmitter &e, bitnet::LMHeadOp op)
      : e(e), x(op.getX()), table(op.getTable()), out(op.getOuts().front()),
        columns(getColumns(table)) {
    elementBytes = getElementTypeOrSelf(table).getIntOrFloatBitWidth() / 8;
    step = std::max(VectorEmitter::lanes, lineBytes / elementBytes);
  }

  /// Logits of rows `row` to `row` + `count` - 1.
  void emitRows(Value row, int64_t count) {
    e.forTokens(x, [&](Value m) {
      Values sums(count, e.constant(e.rowType(), 0));
      int64_t full = columns / step * step;
      if (full > 0)
        sums =
            e.forLoop(e.index(0), e.index(full), step, sums,
                      [&](Value column, ValueRange args) {
                        prefetch(row, count, column);
                        Values next(args);
                        for (int64_t k = 0; k < step; k += VectorEmitter::lanes)
                          accumulate(next, m, row, e.addIndex(column, k),
                                     VectorEmitter::lanes);
                        return next;
                      });
      for (int64_t k = full; k < columns; k += VectorEmitter::lanes)
        accumulate(sums, m, row, e.index(k),
                   std::min(VectorEmitter::lanes, columns - k));
      e.store(e.foldSum(sums), out, {m, row}, count);
    });
  }

private:
  /// Adds `width` products of each row to its lanes.
  void accumulate(Values &sums, Value m, Value row, Value column,
                  int64_t width) {
    Value state = e.load(x, {m, column}, width);
    for (auto [i, sum] : llvm::enumerate(sums))
      sum =
          e.fma(e.load(table, {e.addIndex(row, i), column}, width), state, sum);
  }

  /// Asks for the line that each row's stream needs `prefetchBytes` later: the
  /// rows of this group, and at their end those of the next.
  void prefetch(Value row, int64_t count, Value column) {
    Value ahead = e.addIndex(column, prefetchBytes / elementBytes);
    Value isInside = arith::CmpIOp::create(
        e.builder, e.loc, arith::CmpIPredicate::slt, ahead, e.index(columns));
    Value from = e.select(isInside, row, e.addIndex(row, count));
    Value at = e.select(isInside, ahead, e.addIndex(ahead, -columns));
    for (int64_t i = 0; i < count; ++i)
      e.prefetch(table, {e.addIndex(from, i), at});
  }

  VectorEmitter &e;
  Value x, table, out;
  int64_t columns, elementBytes;
  /// Columns of one iteration: a cache line of the table, or a vector if that
  /// is more.
  int64_t step;
};

} // namespace

void emitKernel(VectorEmitter &e, bitnet::LMHeadOp op) {
  HeadEmitter head(e, op);
  int64_t rows = cast<MemRefType>(op.getTable().getType()).getDimSize(0);
  int64_t full = rows / rowsTogether * rowsTogether;
  if (full > 0)
    e.forLoop(e.index(0), e.index(full), rowsTogether,
              [&](Value row) { head.emitRows(row, rowsTogether); });
  if (full < rows)
    head.emitRows(e.index(full), rows - full);
}

} // namespace bitnetc
