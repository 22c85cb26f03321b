//===- MathEmitter.h - Elementary functions as arithmetic ------*- C++ -*-===//
//
// Exponential, cosine and sine as polynomials. libm's differ between machines
// and cannot be vectorised; these give the same bits on every target.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_MATHEMITTER_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_MATHEMITTER_H

#include "VectorEmitter.h"

namespace bitnetc {

/// e^x of f32 lanes (or one f32), within 1.02 ulp of the exact value; zero from
/// -104 down (so for -inf), infinite above 88.73, NaN for NaN.
mlir::Value emitExp(VectorEmitter &e, mlir::Value x);

/// Cosine and sine of f32 lanes, within 0.51 ulp for |x| up to 2^20; they are
/// evaluated in f64 and rounded once.
std::pair<mlir::Value, mlir::Value> emitCosSin(VectorEmitter &e, mlir::Value x);

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_MATHEMITTER_H
