//===- RowSums.cpp - Hidden states times rows of a table ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "RowSums.h"
#include "Lowerings.h"

using namespace mlir;
using namespace bitnetc;

/// How far ahead of its use each row is prefetched, in bytes. On Sapphire
/// Rapids 2 to 3 KB are best, 1 KB costs 5 to 8 %, 4 KB 5 to 15 %.
static constexpr int64_t prefetchBytes = 3072;
static constexpr int64_t lineBytes = 64;

RowSums::RowSums(VectorEmitter &e, Value x, Value table, bool streams)
    : e(e), x(x), table(table), streams(streams), columns(getColumns(table)) {
  elementBytes = getElementTypeOrSelf(table).getIntOrFloatBitWidth() / 8;
  step = std::max(VectorEmitter::lanes, lineBytes / elementBytes);
}

Value RowSums::emit(Value m, Value row, int64_t count) {
  Values sums(count, e.constant(e.rowType(), 0));
  int64_t full = columns / step * step;
  if (full > 0)
    sums = e.forLoop(e.index(0), e.index(full), step, sums,
                     [&](Value column, ValueRange args) {
                       if (streams)
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
  return e.foldSum(sums);
}

void RowSums::forGroups(int64_t rows, function_ref<void(Value, int64_t)> body) {
  int64_t full = rows / together * together;
  if (full > 0)
    e.forLoop(e.index(0), e.index(full), together,
              [&](Value row) { body(row, together); });
  if (full < rows)
    body(e.index(full), rows - full);
}

/// Adds `width` products of each row to its lanes.
void RowSums::accumulate(Values &sums, Value m, Value row, Value column,
                         int64_t width) {
  Value state = e.load(x, {m, column}, width);
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = e.fma(e.load(table, {e.addIndex(row, i), column}, width), state, sum);
}

/// Asks for the line that each row's stream needs `prefetchBytes` later: that
/// many whole groups further, and in a row's last columns one group more.
void RowSums::prefetch(Value row, int64_t count, Value column) {
  int64_t distance = prefetchBytes / elementBytes;
  row = e.addIndex(row, distance / columns * count);
  Value ahead = e.addIndex(column, distance % columns);
  Value isInside = arith::CmpIOp::create(
      e.builder, e.loc, arith::CmpIPredicate::slt, ahead, e.index(columns));
  Value from = e.select(isInside, row, e.addIndex(row, count));
  Value at = e.select(isInside, ahead, e.addIndex(ahead, -columns));
  for (int64_t i = 0; i < count; ++i)
    e.prefetch(table, {e.addIndex(from, i), at});
}
