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

/// Positions of one row of a cache in memory.
inline constexpr int64_t cacheBlock = 16;
/// Positions of one part of attention, a multiple of cacheBlock.
inline constexpr int64_t attentionPart = 256;

/// What a cache holds for one position and layer.
struct CacheShape {
  int64_t heads, dim;
  mlir::Type element;
};
/// The shape of a cache, a `!bitnet.kv_cache` or one layer in memory: [2,
/// heads, blocks, row]. `dim` is 0 if the rows are not those of 16 positions.
CacheShape getCacheShape(mlir::Type type);
} // namespace bitnetc::bitnet

#include "dialects/BitNet/BitNetDialect.h.inc"
#include "dialects/BitNet/BitNetEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/BitNet/BitNetTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/BitNet/BitNetOps.h.inc"

#endif // BITNETC_DIALECTS_BITNET_BITNET_H
