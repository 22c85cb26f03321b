//===- HeadSketch.h - Rows of the head in int8, with a bound ---*- C++ -*-===//
//
// A row w of the output embedding is sketched as scale * q with int8 q. Its
// exact logit is the f32 sum x.w as the head's kernel computes it; this file
// says how far the sketch's logit may be from that. Nothing is estimated: a row
// whose upper bound is below a lower bound of the k-th highest logit is not
// among the k highest.
//
// Proof. Let u = 2^-24, K the columns, and |.| Euclidean lengths. Both kernels
// sum K products in 16 lanes by fused multiply-adds and fold the lanes in 4
// additions: no product takes part in more than n = ceil(K / 16) + 4 roundings.
// So (Higham, Accuracy and Stability, 3.1, and Cauchy-Schwarz), with
// g(n) = n u / (1 - n u) and up to underflow,
//
//   |logit - x.w|         <= g(n) |x| |w|
//   |sum - x.q|           <= g(n) |x| |q|,  a = fl(scale * sum):
//   |a - scale (x.q)|     <= g(n+1) |x| scale |q|
//   |logit - a|           <= |x| (|w - scale q| + g(n) |w| + g(n+1) scale |q|)
//
// The last line plus what rounding fl(a +- e) may take away, u (|a| + e) with
// |a| <= (1 + g(n+1)) |x| scale |q|, is at most |x| * bound if
//
//   bound = (1 + 2^-20) (|w - scale q| + g(n+4) (|w| + scale |q|))
//
// because 2^-20 is 16 u and pays for the rounding of e = fl(|x| * bound +
// 2^-80), and g(n+4) exceeds g(n+1) by more than the u of |a|. Every rounding
// in the denormal range adds at most 2^-150 times 1 or scale; with scale <=
// 2^30 and K <= 2^20 all of them together are below 2^-80. x is no longer than
// 2^60 (row_length gives infinity instead, and then every row survives), so
// nothing overflows.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_FORMATS_HEADSKETCH_H
#define BITNETC_FORMATS_HEADSKETCH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace bitnetc {

/// Sources of a sketch's weights: the name of the head's source and these.
constexpr llvm::StringLiteral kSketchSuffix = ".sketch";
constexpr llvm::StringLiteral kSketchScaleSuffix = ".sketch_scale";
constexpr llvm::StringLiteral kSketchBoundSuffix = ".sketch_bound";

/// Most columns that the proof covers.
constexpr int64_t kMaxSketchColumns = 1 << 20;
/// What covers underflow, in bounds of logits and of lengths.
constexpr double kLogitUnderflow = 0x1p-80, kLengthUnderflow = 0x1p-60;
/// Longest hidden state that is screened, squared.
constexpr double kMaxSquaredLength = 0x1p120;

/// g(n + 4) of the proof: the relative error of an f32 sum of `columns`
/// products, and of four more operations.
double getSumError(int64_t columns);

/// One sketched row.
struct SketchedRow {
  float scale, bound;
};

/// Sketches `row` into `q`. A row with an element that is not finite, or above
/// 2^30, gets an infinite bound: it always survives.
SketchedRow sketchRow(llvm::ArrayRef<float> row,
                      llvm::MutableArrayRef<int8_t> q);

} // namespace bitnetc

#endif // BITNETC_FORMATS_HEADSKETCH_H
