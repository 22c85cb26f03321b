//===- Ternary.td - The ternary dialect --------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef TERNARY_TD
#define TERNARY_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ternary_Dialect : Dialect {
  let name = "ternary";
  let cppNamespace = "::bitnetc::ternary";
  let summary = "How ternary weights are stored and multiplied";
  let description = [{
    Two levels. Tensor-level operations quantise activations, pack weights and
    multiply; micro-operations on vectors are a portable instruction set in
    which packing formats write their inner loops, and which every target
    lowers to its own instructions. dialects/Ternary/README.md has the
    rationale.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

include "dialects/Ternary/TernaryFormats.td"
include "dialects/Ternary/TernaryTypes.td"
include "dialects/Ternary/TernaryOps.td"
include "dialects/Ternary/TernaryMicroOps.td"

#endif // TERNARY_TD
