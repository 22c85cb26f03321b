//===- Pipeline.h - The stages of a compilation ----------------*- C++ -*-===//
//
// One table drives `bitnetc --emit`, the names of --save-temps, the pipelines
// of bitnet-opt and docs/pipeline.md.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_PIPELINE_PIPELINE_H
#define BITNETC_PIPELINE_PIPELINE_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace bitnetc {

/// What the passes of the stages may be told.
struct PipelineOptions {
  std::string format = "auto"; // packing format, or auto
  std::string head = "auto";   // auto, full, screened; f16, bf16, int8, int4
  int64_t maxBatch = 128;      // most tokens of one prefill call
  int64_t maxSequences = 16;   // most sequences of one step
  /// Formats of single shapes, ROWSxCOLUMNS=FORMAT: they go before `format`.
  std::vector<std::string> choices;
  unsigned threads = 0; // that times are predicted for, 0: one
  bool explain = false; // print the format choices
};

/// One stage: the passes that reach it from the stage before.
struct Stage {
  llvm::StringLiteral name;    // as --emit names it
  llvm::StringLiteral summary; // one sentence
  llvm::StringLiteral suffix;  // of files that hold its result
  /// Null for stages that are not passes (lib/Codegen, lib/Link).
  void (*build)(mlir::OpPassManager &, const PipelineOptions &);
};

/// All stages in order: bitnet ternary tiled vector llvm ir asm obj exe.
llvm::ArrayRef<Stage> getStages();
/// By name, null if there is none.
const Stage *findStage(llvm::StringRef name);

/// Stage `llvm` without the entry points of a model: for a module that has
/// entry points of its own (tools/bitnet-bench).
void buildLowering(mlir::OpPassManager &pm);

/// All dialects, interfaces and translations that the pipeline uses.
void registerDialects(mlir::DialectRegistry &registry);
/// All passes of the project and one pipeline `<stage>-pipeline` per stage.
void registerPassesAndPipelines();

} // namespace bitnetc

#endif // BITNETC_PIPELINE_PIPELINE_H
