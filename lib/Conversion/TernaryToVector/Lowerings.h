//===- Lowerings.h - One function for each ternary kernel ------*- C++ -*-===//
//
// Each writes the kernel of an operation in memref form at the insertion point
// of `e` and leaves the operation itself to its caller. The formulas are those
// of dialects/Ternary/TernaryOps.td.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_TERNARYTOVECTOR_LOWERINGS_H
#define BITNETC_LIB_CONVERSION_TERNARYTOVECTOR_LOWERINGS_H

#include "../BitNetToVector/VectorEmitter.h"
#include "bitnetc/Target/TargetInfo.h"
#include "dialects/Ternary/Ternary.h"

namespace bitnetc {

void emitQuantize(VectorEmitter &e, ternary::QuantizeOp op);
void emitBuildLut(VectorEmitter &e, ternary::BuildLutOp op);
void emitRescale(VectorEmitter &e, ternary::RescaleOp op);
/// The results of `op` for 16 columns of a token from `column` on, a multiple
/// of 16: their `products`, the token's inverse scale 16 times.
void emitRescaledStore(VectorEmitter &e, ternary::RescaleOp op,
                       mlir::Value products, mlir::Value inverses,
                       mlir::Value token, mlir::Value column);
/// What is done with products: the rescaling of a whole row tile and, where the
/// last one has fewer rows, its rescaling and the condition that it is another.
struct PanelRescale {
  ternary::RescaleOp whole, last;
  mlir::Value isWhole;
};
/// The products of `ops`, neighbours that read the same activations, in one
/// loop. Fails, with an error at the operation, if the weights are no row tile
/// of bytes in memory or the number of tokens is unknown (a single product of a
/// target with matrix tiles may have any number; with a `rescale`, that reads
/// its products in the same loop).
mlir::LogicalResult emitMatmul(VectorEmitter &e,
                               llvm::ArrayRef<ternary::MatmulOp> ops,
                               const TargetInfo &target,
                               PanelRescale rescale = {});
mlir::LogicalResult emitMatmul(VectorEmitter &e,
                               llvm::ArrayRef<ternary::LutMatmulOp> ops,
                               const TargetInfo &target);

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_TERNARYTOVECTOR_LOWERINGS_H
