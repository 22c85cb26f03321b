//===- BitNet.h - The bitnet dialect ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_DIALECTS_BITNET_BITNET_H
#define BITNETC_DIALECTS_BITNET_BITNET_H

#include "dialects/Ternary/Ternary.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace bitnetc::bitnet {
using ternary::KernelOpInterface;
} // namespace bitnetc::bitnet

#include "dialects/BitNet/BitNetDialect.h.inc"
#include "dialects/BitNet/BitNetEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/BitNet/BitNetTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/BitNet/BitNetOps.h.inc"

#endif // BITNETC_DIALECTS_BITNET_BITNET_H
