//===- Ternary.h - The ternary dialect -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_DIALECTS_TERNARY_TERNARY_H
#define BITNETC_DIALECTS_TERNARY_TERNARY_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace bitnetc::ternary {

/// Columns of quantised activations are a multiple of this many.
constexpr int64_t kActivationAlign = 64;
/// Products of fewer columns than this fit in 32 bits: 128 * K < 2^31.
constexpr int64_t kColumnLimit = 16000000;
/// `k` rounded up to whole activation blocks.
inline int64_t getPaddedColumns(int64_t k) {
  return (k + kActivationAlign - 1) / kActivationAlign * kActivationAlign;
}

/// Distance in elements of `bytes` bytes between rows of `columns` of them, the
/// rows of several tokens: the smallest odd number of 64-byte cache lines. A
/// matrix unit reads the same columns of 16 tokens at once; a distance of many
/// lines by a power of two would put them into few sets of a cache.
inline int64_t getRowPitch(int64_t columns, int64_t bytes) {
  int64_t lines = (columns * bytes + 63) / 64;
  return (lines | 1) * 64 / bytes;
}

/// Rows that share a scale, where scales do not stand one for each row: the
/// lanes of a vector. The scales of one matrix are equal, those of stacked
/// matrices differ where the matrices meet. A scale for each row would be read
/// from memory beside the weights, which costs a product of one token 6 %.
constexpr int64_t kScaleRows = 16;
/// Scales of `rows` rows that share them.
inline int64_t getSharedScales(int64_t rows) {
  return (rows + kScaleRows - 1) / kScaleRows;
}
/// How many of `rows` rows each of `scales` scales belongs to: 1, kScaleRows
/// (the last one may have fewer), or 0 if neither fits.
inline int64_t getRowsPerScale(int64_t scales, int64_t rows) {
  if (scales == rows)
    return 1;
  return scales == getSharedScales(rows) ? kScaleRows : 0;
}

/// True for N and K that a packed matrix can have: positive and below 2^31, so
/// that sizes in bytes do not overflow.
inline bool isMatrixShape(llvm::ArrayRef<int64_t> shape) {
  return llvm::all_of(shape, [](int64_t size) {
    return size > 0 && size <= std::numeric_limits<int32_t>::max();
  });
}

/// Checks that `op` is in tensor form (results, no destinations) or in memref
/// form (destinations, no results), with all data operands of that kind.
mlir::LogicalResult verifyKernelForm(mlir::Operation *op);

/// Reads of inputs and writes of destinations, for ops in memref form.
void getKernelEffects(mlir::Operation *op, mlir::OperandRange outs,
                      llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<
                          mlir::MemoryEffects::Effect>> &effects);

/// Checks that the first dimensions of `types`, where static, are equal.
mlir::LogicalResult verifySameTokens(mlir::Operation *op,
                                     mlir::TypeRange types);

/// Type of the i-th result, or of the destination that stands for it.
mlir::ShapedType getKernelResultType(mlir::Operation *op, unsigned index);

} // namespace bitnetc::ternary

#include "dialects/Ternary/TernaryAttrInterfaces.h.inc"
#include "dialects/Ternary/TernaryDialect.h.inc"
#include "dialects/Ternary/TernaryOpInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Ternary/TernaryAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Ternary/TernaryTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Ternary/TernaryOps.h.inc"

#endif // BITNETC_DIALECTS_TERNARY_TERNARY_H
