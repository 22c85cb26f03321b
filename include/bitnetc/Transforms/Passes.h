//===- Passes.h - Transforms passes ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TRANSFORMS_PASSES_H
#define BITNETC_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace bitnetc {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

#endif // BITNETC_TRANSFORMS_PASSES_H
