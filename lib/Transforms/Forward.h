//===- Forward.h - The signature of a model's function ---------*- C++ -*-===//
//
// Importers write it, bitnet-verify-model checks it, and the passes that make
// phases of it rely on it; each of them may be run by hand.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_TRANSFORMS_FORWARD_H
#define BITNETC_LIB_TRANSFORMS_FORWARD_H

#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace bitnetc {

/// The type of one row of `type`.
inline mlir::RankedTensorType withOneRow(mlir::RankedTensorType type) {
  llvm::SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  return mlir::RankedTensorType::get(shape, type.getElementType());
}

/// Checks that `forward` is (tokens, position, rows, cache) -> logits, over any
/// number of tokens, in one block.
inline mlir::LogicalResult verifyForward(mlir::func::FuncOp forward) {
  if (!forward.getBody().hasOneBlock())
    return forward.emitError("expected one block");
  mlir::FunctionType type = forward.getFunctionType();
  auto isRows = [](mlir::Type type, int64_t rank, auto isElement) {
    auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type);
    return tensor && tensor.getRank() == rank && tensor.isDynamicDim(0) &&
           isElement(tensor.getElementType());
  };
  bool expected =
      type.getNumInputs() == 4 && type.getNumResults() == 1 &&
      isRows(type.getInput(0), 1,
             [](mlir::Type element) { return element.isInteger(32); }) &&
      type.getInput(1).isIndex() && type.getInput(2).isIndex() &&
      mlir::isa<bitnet::KVCacheType>(type.getInput(3)) &&
      isRows(type.getResult(0), 2,
             [](mlir::Type element) { return element.isF32(); });
  if (!expected)
    return forward.emitError("expected (tokens: tensor<?xi32>, position: "
                             "index, rows: index, cache: !bitnet.kv_cache) -> "
                             "tensor<? x vocabulary x f32>, but got ")
           << type;
  return mlir::success();
}

} // namespace bitnetc

#endif // BITNETC_LIB_TRANSFORMS_FORWARD_H
