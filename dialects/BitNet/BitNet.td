//===- BitNet.td - The bitnet dialect ----------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_TD
#define BITNET_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Ternary/TernaryInterfaces.td"

def BitNet_Dialect : Dialect {
  let name = "bitnet";
  let cppNamespace = "::bitnetc::bitnet";
  let summary = "What a ternary language model is made of";
  let description = [{
    The vocabulary of decoder-only transformers with BitLinear layers. On
    tensors it is the model itself, free of target, packing and memory; the
    same operations on memrefs are the kernels of the compiled program.
    dialects/BitNet/README.md has the rationale.
  }];
  let useDefaultTypePrinterParser = 1;
}

include "dialects/BitNet/BitNetTypes.td"
include "dialects/BitNet/BitNetOps.td"
include "dialects/BitNet/BitNetAttentionOps.td"
include "dialects/BitNet/BitNetHeadOps.td"

#endif // BITNET_TD
