//===- BuildModule.h - A model as a bitnet module --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_IMPORT_BUILDMODULE_H
#define BITNETC_IMPORT_BUILDMODULE_H

#include "bitnetc/Import/Model.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace bitnetc {

/// Writes `model` as a module of the bitnet dialect: one function @forward and
/// one bitnet.weight for each weight, whose sources name weights of the model:
/// "embedding", "head", "final_norm", "layers.I.input_norm",
/// "layers.I.post_attention_norm", "layers.I.attn_sub_norm",
/// "layers.I.ffn_sub_norm", "layers.I.P" for P of q k v o gate up down,
/// "layers.I.P.scale" (the scale of P, once for each row), "layers.I.P.norm".
/// Keys and values are cached as f16 if `halfCache`, else f32.
mlir::OwningOpRef<mlir::ModuleOp>
buildModule(const Model &model, mlir::MLIRContext &context, bool halfCache);

/// The ternary matrix that a source names, or null.
const TernaryWeight *findTernaryWeight(const Model &model,
                                       llvm::StringRef source);
/// The dense tensor that a source names, or null.
const DenseWeight *findDenseWeight(const Model &model, llvm::StringRef source);

} // namespace bitnetc

#endif // BITNETC_IMPORT_BUILDMODULE_H
