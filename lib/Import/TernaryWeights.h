//===- TernaryWeights.h - Ternary matrices of checkpoints ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_TERNARYWEIGHTS_H
#define BITNETC_LIB_IMPORT_TERNARYWEIGHTS_H

#include "bitnetc/Import/Model.h"

namespace bitnetc {

struct StoredTensor;

/// The type of a stored tensor, or nullopt for one that no model uses.
std::optional<DType> getDType(llvm::StringRef storedType);

/// A matrix [rows, cols] that transformers' pack_weights made: U8
/// [ceil(rows / 4), cols]. With R = ceil(rows / 4), bits 2i+1:2i of byte
/// [r, c] hold 1 + the weight at [i * R + r, c]. `scale` multiplies.
/// Type and shape of `tensor` must have been checked; its file must stay
/// mapped.
std::unique_ptr<TernaryWeight> makePackedWeight(const StoredTensor &tensor,
                                                int64_t rows, float scale);

/// A matrix of floating-point masters, made ternary as transformers'
/// WeightQuant does. Type and shape must have been checked; the file must stay
/// mapped.
std::unique_ptr<TernaryWeight> makeMasterWeight(const StoredTensor &tensor);

/// Whether the first rows of a float matrix hold, row by row, only 0 and one
/// magnitude: an unpacked ternary model such as TriLM.
bool looksUnpackedTernary(const StoredTensor &tensor);

} // namespace bitnetc

#endif // BITNETC_LIB_IMPORT_TERNARYWEIGHTS_H
