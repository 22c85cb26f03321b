//===- AttentionSums.h - Weighted sums of values ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ATTENTIONSUMS_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ATTENTIONSUMS_H

#include "VectorEmitter.h"

namespace bitnetc {

/// Buffers with attention of some rows to some positions: maximum and total of
/// each row, padded to whole vectors, and the sums [rows, columns].
class AttentionSums {
public:
  mlir::Value maxima, totals, sums;

  AttentionSums(VectorEmitter &e, int64_t rows, int64_t columns);

  /// Makes `rows` rows (an index value) those before the first part.
  void clear(VectorEmitter &e, mlir::Value rows) const;
  /// Divides the sums of a row by its total; the result is `out[m, column...]`.
  void finish(VectorEmitter &e, mlir::Value row, mlir::Value out, mlir::Value m,
              mlir::Value column) const;

private:
  friend class AttentionMerger;
  /// Columns without padding.
  int64_t columns;
};

/// Merges the parts of a row in order, in two steps: maxima and totals of 16
/// rows at once, then the sums of each row.
class AttentionMerger : public AttentionSums {
public:
  AttentionMerger(VectorEmitter &e, int64_t rows, int64_t columns);

  /// The next part of the rows row, row + 1, ... has these maxima and totals.
  void mergeStates(VectorEmitter &e, mlir::Value row, mlir::Value partMaxima,
                   mlir::Value partTotals) const;
  /// And these sums: `part` gives the 16 from a column on, `width` of them.
  void
  mergeSums(VectorEmitter &e, mlir::Value row,
            llvm::function_ref<mlir::Value(mlir::Value, int64_t)> part) const;

private:
  /// What the old and the new sums of a row are multiplied by.
  mlir::Value oldFactors, newFactors;
};

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_ATTENTIONSUMS_H
