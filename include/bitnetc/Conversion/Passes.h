//===- Passes.h - Conversion passes ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_CONVERSION_PASSES_H
#define BITNETC_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace bitnetc {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

#endif // BITNETC_CONVERSION_PASSES_H
