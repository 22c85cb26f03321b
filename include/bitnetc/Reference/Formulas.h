//===- Formulas.h - The formulas of a ternary decoder, one by one -*- C++ -*-=//
//
// Each function is one formula of the BitNet b1.58 papers (arXiv:2402.17764,
// arXiv:2504.12285) as the transformers library evaluates it in float32. They
// are scalar and slow on purpose: this is what compiled kernels are compared
// with.
//
// Precision: every stored value is a float, rounded where the float32 model
// rounds it; sums and the rescaling run in double, so that the reference is
// nearer to the exact result than any order of float additions.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_REFERENCE_FORMULAS_H
#define BITNETC_REFERENCE_FORMULAS_H

#include "bitnetc/Import/Model.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace bitnetc::reference {

/// y[i] = gain[i] * (x[i] / sqrt(mean(x^2) + eps)). x, gain and y have the
/// same length; y may be x.
void rmsNorm(llvm::ArrayRef<float> x, llvm::ArrayRef<float> gain, double eps,
             llvm::MutableArrayRef<float> y);

/// Quantizes the activations of one token to 8 bits: with
///   s = 127 / max(max|x|, 1e-5)
/// writes q[i] = clamp(round(x[i] * s), -128, 127), halves to even, and
/// returns s. All arithmetic is float. x must be finite.
float quantizeToken(llvm::ArrayRef<float> x, llvm::MutableArrayRef<int8_t> q);

/// The exact ternary product acc[m, n] = sum over k of q[m, k] * t[n, k] for q
/// of shape [rows, k], t of shape [outputs, k] with entries -1, 0, +1, all
/// row-major. The sum cannot overflow for k < 2^24, which is checked nowhere
/// because no model comes near.
void matmulTernary(llvm::ArrayRef<int8_t> q, llvm::ArrayRef<int8_t> t,
                   int64_t rows, int64_t outputs, int64_t k,
                   llvm::MutableArrayRef<int32_t> acc);

/// y = acc / s * scale: undoes the quantization of the activations (`s`, as
/// returned by quantizeToken) and of the weights (`scale`, which multiplies).
float rescale(int32_t acc, float s, float scale);

/// The headDim / 2 inverse frequencies of rotary embeddings, theta^(-2i/d),
/// in float, then scaled as transformers' modeling_rope_utils.py does.
std::vector<float> ropeFrequencies(int64_t headDim, double theta,
                                   const RopeScaling &scaling);

/// Rotates one head of a query or a key in place. Element i is paired with
/// element i + d/2 (Hugging Face's rotate_half), not with its neighbour.
void applyRope(llvm::MutableArrayRef<float> head,
               llvm::ArrayRef<float> frequencies, int64_t position);

/// Replaces x by exp(x - max x) / sum; x must not be empty.
void softmax(llvm::MutableArrayRef<float> x);

/// silu: x / (1 + e^-x); relu2: max(x, 0)^2.
float activate(Activation activation, float x);

/// Attention of one query head over `positions` keys and values, each of which
/// starts `stride` floats after the one before:
///   out = sum over p of softmax(query . keys[p] / sqrt(d))[p] * values[p]
/// with d = query.size() = out.size().
void attendHead(llvm::ArrayRef<float> query, const float *keys,
                const float *values, int64_t positions, int64_t stride,
                llvm::MutableArrayRef<float> out);

} // namespace bitnetc::reference

#endif // BITNETC_REFERENCE_FORMULAS_H
