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

/// What keys and values are cached as (`!bitnet.kv_cache`).
enum class CacheElement { F32, F16, Int8 };

/// Writes `model` as a module of the bitnet dialect: one function @forward and
/// one bitnet.weight for each weight, whose sources name weights of the model:
/// "embedding", "head", "final_norm", "layers.I.input_norm",
/// "layers.I.post_attention_norm", "layers.I.attn_sub_norm",
/// "layers.I.ffn_sub_norm", "layers.I.P" for P of q k v o gate up down,
/// "layers.I.P.scale" (the scale of P, once for each 16 rows),
/// "layers.I.P.norm".
mlir::OwningOpRef<mlir::ModuleOp> buildModule(const Model &model,
                                              mlir::MLIRContext &context,
                                              CacheElement cacheElement);

/// The ternary matrix that a source names, or null.
const TernaryWeight *findTernaryWeight(const Model &model,
                                       llvm::StringRef source);
/// The dense tensor that a source names, or null.
const DenseWeight *findDenseWeight(const Model &model, llvm::StringRef source);

} // namespace bitnetc

#endif // BITNETC_IMPORT_BUILDMODULE_H
