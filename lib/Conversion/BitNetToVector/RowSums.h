//===- RowSums.h - Hidden states times rows of a table ---------*- C++ -*-===//
//
// The one order of sums of the head: products are summed with fused
// multiply-adds in 16 lanes (column k in lane k mod 16) that are then folded by
// halves. The head and the rescoring of a screened head must agree to the bit,
// so both are written here.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ROWSUMS_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ROWSUMS_H

#include "VectorEmitter.h"

namespace bitnetc {

/// Emits products of rows of `x` with rows of `table` (floats).
class RowSums {
public:
  /// Rows handled together: they share the loads of the hidden state, and four
  /// sums in flight hide the latency of the multiply-adds.
  static constexpr int64_t together = 4;

  /// `streams`: rows are read one after another from the first to the last, so
  /// that it pays to ask for them ahead of their use.
  RowSums(VectorEmitter &e, mlir::Value x, mlir::Value table, bool streams);

  /// Products of row `m` of `x` with rows `row` to `row` + `count` - 1 of the
  /// table: lane i belongs to row i, the number of lanes is the next power of
  /// two.
  mlir::Value emit(mlir::Value m, mlir::Value row, int64_t count);

  /// `body(row, count)` for groups of `together` rows below `rows`, and for the
  /// rows that are left.
  void forGroups(int64_t rows,
                 llvm::function_ref<void(mlir::Value, int64_t)> body);

private:
  void accumulate(Values &sums, mlir::Value m, mlir::Value row,
                  mlir::Value column, int64_t width);
  void prefetch(mlir::Value row, int64_t count, mlir::Value column);

  VectorEmitter &e;
  mlir::Value x, table;
  bool streams;
  int64_t columns, elementBytes;
  /// Columns of one iteration: a cache line of the table, or a vector if that
  /// is more.
  int64_t step;
};

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ROWSUMS_H
