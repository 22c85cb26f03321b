//===- HeadWeights.h - Weights made of the output embedding ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_TRANSFORMS_HEADWEIGHTS_H
#define BITNETC_LIB_TRANSFORMS_HEADWEIGHTS_H

#include "dialects/BitNet/BitNet.h"

namespace bitnetc {

/// The weight that `head` reads, if another can be made of it when weights are
/// written: it has one source and at most kMaxSketchColumns columns; else null.
bitnet::WeightOp findHeadWeight(bitnet::LMHeadOp head);

/// Adds a weight that is made of `table`, before it, unless it is there, and a
/// reference to it. The names are those of the table and of its source, and the
/// suffixes.
mlir::Value addHeadWeight(mlir::OpBuilder &builder, bitnet::WeightOp table,
                          llvm::StringRef suffix, llvm::StringRef sourceSuffix,
                          mlir::RankedTensorType type);

/// What heads of integers read: digits and facts of the state, the table and
/// the facts of its rows.
llvm::SmallVector<mlir::Value, 4> addHeadTable(mlir::OpBuilder &builder,
                                               bitnet::WeightOp table,
                                               mlir::Value x, unsigned bits);

} // namespace bitnetc

#endif // BITNETC_LIB_TRANSFORMS_HEADWEIGHTS_H
