//===- HeadSketch.h - Rows of the head in 7 bits, with a bound -*- C++ -*-===//
//
// A row w of the output embedding is sketched as w' = scale * q with even int8
// q, a hidden state x as x' = step * X in fixed point, X of 14 bits. X.q is an
// exact integer. This file says how far its product by both scales may be from
// the row's logit, the f32 sum of x.w as the head's kernel computes it. Nothing
// is estimated: a row whose upper bound is below a lower bound of the k-th
// highest logit is not among the k highest.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_FORMATS_HEADSKETCH_H
#define BITNETC_FORMATS_HEADSKETCH_H

#include "llvm/ADT/ArrayRef.h"

namespace bitnetc {

// Proof. Let K be the columns and |.| Euclidean lengths. The head sums K
// products in 16 lanes by fused multiply-adds and folds the lanes in 4
// additions: no product takes part in more than n = ceil(K / 16) + 4 roundings
// of u = 2^-24. So (Higham, Accuracy and Stability, 3.1, and Cauchy-Schwarz),
// with g(n) = n u / (1 - n u) and up to underflow,
//
//   |logit - x.w| <= g(n) |x| |w|
//   |x.w - x'.w'| <= |x| |w - w'| + |x - x'| |w'|
//
// The bounds are computed in f64 from numbers rounded to f32:
//
//   a = (scale * step) * X.q        e = length * bound + error * sketchLength
//   upper = f32(a + e)              lower = f32(a - e)
//
// length >= |x| and error >= |x - x'| come with the state (bitnet.fixed_point),
// bound and sketchLength with the row:
//
//   bound        = (1 + 2^-30) (|w - w'| + g(n) |w| + 2^-50 |w'|) + 2^-60
//   sketchLength = (1 + 2^-30) |w'|
//
// rounded up. The product of two f32 is exact in f64, and so is X.q, which is
// below 2^40. What is rounded is a once, e once and their sum once: at most
// 2^-52 (|a| + e), where |a| <= (|x| + |x - x'|) |w'|. The 2^-50 |w'| and the
// widening by 2^-30 are more, and the widening also pays for the f64 sums that
// lengths are made of, (K + 4) 2^-53 of them. Roundings of the logit in the
// denormal range add at most 2^-150 each, together below 2^-130: less than
// length * 2^-60, because no length is below 2^-60. The last rounding to f32
// costs nothing: it keeps the order of numbers, and the logit is an f32.
//
// A state that is not shorter than 2^60, or not finite, gets a step of NaN, and
// a row with an element that is not finite, or above 2^30, a bound of infinity:
// then upper is NaN or infinity and lower is NaN or minus infinity, which
// nothing is below and no peak is made of. So nothing overflows: |x.w| is below
// 2^60 2^30 2^9.
//
// Why 7 bits: what is left of a row in b bits is about 4 / 2^b of its length,
// and a bound by Cauchy-Schwarz does not know that errors cancel: it is sqrt(K)
// times the error that is to be expected. Of logits with the standard deviation
// s, K = 2560, 8 bits leave a slack of 0.4 s, 7 bits 0.8 s, 6 bits 1.7 s, 4
// bits 7 s. The highest of 128256 normal numbers is at 4.4 s: rows above that
// less twice the slack are computed. A seventh bit saves more than its rows
// cost.

/// Most columns that the proof covers; 127 * 127 times as many fit in 32 bits.
constexpr int64_t kMaxSketchColumns = 1 << 17;

/// X is from -kFixedPointMax to kFixedPointMax and kept as two digits of 7
/// bits, those of X + kFixedPointOffset: unsigned bytes below 128, which every
/// target multiplies by signed ones exactly.
constexpr int64_t kFixedPointMax = 8191, kFixedPointOffset = 8192;
/// States whose largest element is below this are zero in fixed point: the
/// reciprocal of their step could overflow.
constexpr double kFixedPointLeast = 0x1p-100;

/// Longest hidden state that is screened, squared, and what covers underflow in
/// lengths of states.
constexpr double kMaxSquaredLength = 0x1p120, kLengthUnderflow = 0x1p-60;

/// The relative error of an f32 sum of `columns` products in the head's order,
/// and of four more operations: g(n + 4) of the proof.
double getSumError(int64_t columns);

/// One sketched row: `sum` is that of q, exact.
struct SketchedRow {
  float scale, sum, bound, length;
};

/// Sketches `row` into `q`: from -127 to 127, or with 7 `bits` even numbers
/// from -126 to 126. A row with an element that is not finite, or above 2^30,
/// gets an infinite bound: it always survives.
SketchedRow sketchRow(llvm::ArrayRef<float> row,
                      llvm::MutableArrayRef<int8_t> q, unsigned bits);

} // namespace bitnetc

#endif // BITNETC_FORMATS_HEADSKETCH_H
