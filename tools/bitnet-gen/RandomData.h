//===- RandomData.h - Fast random tensors ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BITNET_GEN_RANDOMDATA_H
#define BITNETC_TOOLS_BITNET_GEN_RANDOMDATA_H

#include "Layout.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace bitnetc::gen {

/// Takes a piece of a tensor's bytes.
using Sink = llvm::function_ref<llvm::Error(llvm::ArrayRef<uint8_t>)>;

/// Makes the bytes of `tensor` and hands them over in pieces of a few MiB.
/// Depends only on the arguments: the same seed gives the same tensor, whatever
/// was made before.
llvm::Error fillTensor(const TensorPlan &tensor, FloatType dtype, uint64_t seed,
                       Sink sink);

} // namespace bitnetc::gen

#endif // BITNETC_TOOLS_BITNET_GEN_RANDOMDATA_H
