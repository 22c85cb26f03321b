//===- Compiler.h - A model directory in, an executable out ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_PIPELINE_COMPILER_H
#define BITNETC_PIPELINE_COMPILER_H

#include "bitnetc/Formats/CostModel.h"
#include "bitnetc/Import/BuildModule.h"
#include "bitnetc/Pipeline/Pipeline.h"
#include "bitnetc/Target/TargetInfo.h"
#include "llvm/Support/Error.h"

namespace bitnetc {

/// What `bitnetc` is told on its command line.
struct CompilerOptions {
  std::string model;        // path of the model
  std::string output;       // "-" is standard output (text stages)
  std::string emit = "exe"; // a stage of getStages()
  std::string saveTemps;    // folder for every stage's result, or empty
  std::string triple, cpu, features; // as resolveTarget takes them
  unsigned level = 3;                // LLVM's optimisation level
  unsigned threads = 0; // default of the executable, 0: its own choice
  CacheElement cacheElement = CacheElement::F32; // keys and values
  std::string libraryPath; // folder of the runtime libraries
  bool quiet = false;      // no progress on stderr
  std::string spec; // file of readSpec whose choices are obeyed, or empty
  std::string weightCache; // folder of packed weights, or empty
  PipelineOptions pipeline;
};

/// Compiles a model up to a stage. Reports progress on stderr; on an error the
/// output is untouched.
llvm::Error compileModel(const CompilerOptions &options);

/// What a model consists of after stage `bitnet`, for its target.
struct ModelMatrices {
  TargetInfo target;
  std::vector<MatrixCount> shapes; // the ternary ones
  double otherBytes = 0;           // of all other weights
};
llvm::Expected<ModelMatrices> listMatrices(const CompilerOptions &options);

} // namespace bitnetc

#endif // BITNETC_PIPELINE_COMPILER_H
