//===- Verify.h - What verifiers and effects of operations share -*- C++ -*-==//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_DIALECTS_BITNET_VERIFY_H
#define BITNETC_DIALECTS_BITNET_VERIFY_H

#include "dialects/BitNet/BitNet.h"

namespace bitnetc::bitnet {

using EffectList = llvm::SmallVectorImpl<
    mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>;

/// Effects and token operands of a kernel operation.
#define BITNET_KERNEL(OP, ...)                                                 \
  void OP::getEffects(EffectList &effects) {                                   \
    ternary::getKernelEffects(*this, getOuts(), effects);                      \
  }                                                                            \
  llvm::SmallVector<unsigned> OP::getTokenOperands() { return {__VA_ARGS__}; }

inline int64_t lastDim(mlir::Type type) {
  return mlir::cast<mlir::ShapedType>(type).getShape().back();
}

/// Checks that there are `expected` f32 results or destinations of rank
/// `rank`.
inline mlir::LogicalResult
verifyF32Results(mlir::Operation *op, unsigned expected, int64_t rank = 2) {
  unsigned count = std::max<unsigned>(
      op->getNumResults(),
      mlir::cast<ternary::KernelOpInterface>(op).getOuts().size());
  if (count != expected)
    return op->emitOpError("expected ")
           << (expected == 1 ? "one result" : "two results") << " or "
           << (expected == 1 ? "destination" : "destinations") << ", but got "
           << count;
  for (unsigned i = 0; i < count; ++i) {
    mlir::ShapedType type = ternary::getKernelResultType(op, i);
    if (!type.getElementType().isF32() || type.getRank() != rank)
      return op->emitOpError("expected an f32 result of rank ")
             << rank << ", but got " << type;
  }
  return mlir::success();
}
inline mlir::LogicalResult verifyF32Result(mlir::Operation *op,
                                           int64_t rank = 2) {
  return verifyF32Results(op, 1, rank);
}

/// Checks that the first dimensions of data and of the result, where static,
/// are equal.
inline mlir::LogicalResult verifyTokens(mlir::Operation *op,
                                        mlir::Type data) { // kernel_c4
  return ternary::verifySameTokens(op,
                                   {data, ternary::getKernelResultType(op, 0)});
}

/// Checks one last dimension against another.
inline mlir::LogicalResult verifyColumns(mlir::Operation *op,
                                         llvm::StringRef what, int64_t got,
                                         int64_t expected) {
  if (got == expected)
    return mlir::success();
  return op->emitOpError("expected ")
         << what << " with " << expected << " columns, but got " << got;
}

inline int64_t resultColumns(mlir::Operation *op, unsigned index = 0) {
  return lastDim(ternary::getKernelResultType(op, index));
}

/// Checks places of tokens, if `places` are any: a sequence and a position for
/// each row of `data`.
inline mlir::LogicalResult verifyPlaces(mlir::Operation *op, mlir::Type places,
                                        mlir::Type data) {
  auto shaped = llvm::dyn_cast<mlir::ShapedType>(places);
  if (!shaped)
    return mlir::success();
  if (failed(verifyColumns(op, "places", lastDim(shaped), 2)))
    return mlir::failure();
  return ternary::verifySameTokens(op, {places, data});
}

} // namespace bitnetc::bitnet

#endif // BITNETC_DIALECTS_BITNET_VERIFY_H
