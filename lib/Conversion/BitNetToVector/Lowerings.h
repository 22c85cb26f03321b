//===- Lowerings.h - One function for each kernel --------------*- C++ -*-===//
//
// Each writes the kernel of an operation in memref form at the insertion point
// of `e` and leaves the operation itself to its caller. The formulas are those
// of dialects/BitNet/BitNetOps.td; the files say how sums are ordered and where
// products are fused. Destinations may be an operand of add, gated_act,
// rms_norm and rope, but may not overlap operands otherwise.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_LOWERINGS_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_LOWERINGS_H

#include "VectorEmitter.h"
#include "dialects/BitNet/BitNet.h"

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::AddOp op);
void emitKernel(VectorEmitter &e, bitnet::AttentionMergeOp op);
void emitKernel(VectorEmitter &e, bitnet::AttentionOp op);
void emitKernel(VectorEmitter &e, bitnet::AttentionPartOp op);
void emitKernel(VectorEmitter &e, bitnet::EmbeddingOp op);
void emitKernel(VectorEmitter &e, bitnet::FixedPointOp op);
void emitKernel(VectorEmitter &e, bitnet::GatedActOp op);
void emitKernel(VectorEmitter &e, bitnet::IntegerHeadOp op);
void emitKernel(VectorEmitter &e, bitnet::KVStoreOp op);
void emitKernel(VectorEmitter &e, bitnet::KthLargestOp op);
void emitKernel(VectorEmitter &e, bitnet::LMHeadOp op);
void emitKernel(VectorEmitter &e, bitnet::RMSNormOp op);
void emitKernel(VectorEmitter &e, bitnet::RescoreHeadOp op);
void emitKernel(VectorEmitter &e, bitnet::RopeAnglesOp op);
void emitKernel(VectorEmitter &e, bitnet::RopeOp op);
void emitKernel(VectorEmitter &e, bitnet::ScreenHeadOp op);

/// Sum of the squares of row `token` of `x`, a scalar, in the one order of
/// sums.
mlir::Value emitSquaredLength(VectorEmitter &e, mlir::Value x,
                              mlir::Value token);

/// The last dimension of a value's shape.
inline int64_t getColumns(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getShape().back();
}

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_LOWERINGS_H
