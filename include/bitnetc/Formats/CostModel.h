//===- CostModel.h - Predicted times of products ---------------*- C++ -*-===//
//
// A product reads its packed bytes once, whatever the number of tokens, and
// spends cycles on them that depend on format, target and tokens. It takes the
// longer of the two, plus what rescaling and the start on threads cost:
//
//   time = max(bytes / bandwidth, bytes / 64 * cycles / frequency) + rest
//
// Formats know cycles, targets everything else (TargetInfo::speed). How fast
// bytes come depends on what a whole token reads, not on the one matrix: before
// a matrix is read again, all others have gone through the caches.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_FORMATS_COSTMODEL_H
#define BITNETC_FORMATS_COSTMODEL_H

#include "bitnetc/Formats/PackingFormat.h"

namespace bitnetc {

/// A way to run a model, and how much it counts when a format is chosen.
struct Phase {
  llvm::StringLiteral name;
  int64_t tokens; // of one call; 0: the most that a call of prefill takes
  double weight;  // of its time per token

  /// Tokens of one call where prefill takes `most`.
  int64_t getTokens(int64_t most) const { return tokens ? tokens : most; }
};

/// All matrices of one shape.
struct MatrixCount {
  int64_t rows, columns, count;
};

/// Bytes that a token reads if all matrices have one format, `otherBytes` of
/// other weights included.
double getFootprint(mlir::MLIRContext *context,
                    llvm::ArrayRef<MatrixCount> matrices, double otherBytes,
                    const PackingFormat &format);

/// Decoding, a few sequences side by side, and reading a prompt. A format is
/// chosen for texts of which as many tokens are read as are written. The small
/// batch is shown and measured but has no weight.
llvm::ArrayRef<Phase> getPhases();

/// What a product is part of.
struct Workload {
  int64_t tokens = 1;
  unsigned threads = 1;
  double footprint = 0; // bytes of all weights that a token reads
};

/// Microseconds.
struct PredictedTime {
  double memory = 0, arithmetic = 0, rest = 0;
  double total() const { return std::max(memory, arithmetic) + rest; }
  bool isBoundByMemory() const { return memory >= arithmetic; }
};

/// GB/s that each of `threads` cores reads. Between one and two times what a
/// level holds, part of the bytes is still there.
double getBandwidth(const TargetInfo &target, double footprint,
                    unsigned threads);
/// Name of the level that such a token mostly reads from: "L2", "memory".
llvm::StringRef getMemoryLevel(const TargetInfo &target, double footprint,
                               unsigned threads);

/// The product of a packed matrix and `workload.tokens` tokens on a target that
/// its format supports.
PredictedTime predictProduct(ternary::PackedType matrix,
                             const TargetInfo &target,
                             const Workload &workload);

} // namespace bitnetc

#endif // BITNETC_FORMATS_COSTMODEL_H
