//===- Register.cpp - Dialects, passes and pipelines ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/ParallelToLLVM.h"
#include "bitnetc/Conversion/Passes.h"
#include "bitnetc/Pipeline/Pipeline.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "dialects/Ternary/Ternary.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

using namespace mlir;
using namespace bitnetc;

void bitnetc::registerDialects(DialectRegistry &registry) {
  registry.insert<bitnet::BitNetDialect, ternary::TernaryDialect>();
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registerConvertBitNetToLLVMInterface(registry);
}

namespace {

/// The options of a stage on the command line of bitnet-opt.
struct StageOptions : PassPipelineOptions<StageOptions> {
  Option<std::string> format{*this, "format",
                             llvm::cl::desc("packing format, or auto"),
                             llvm::cl::init("auto")};
  Option<std::string> head{*this, "head",
                           llvm::cl::desc("auto, full or screened"),
                           llvm::cl::init("auto")};
  Option<int64_t> maxBatch{*this, "max-batch",
                           llvm::cl::desc("most tokens of one prefill call"),
                           llvm::cl::init(128)};
  Option<int64_t> maxSequences{*this, "max-sequences",
                               llvm::cl::desc("most sequences of one step"),
                               llvm::cl::init(16)};
  Option<bool> explain{*this, "explain",
                       llvm::cl::desc("print the format choices"),
                       llvm::cl::init(false)};
};

} // namespace

void bitnetc::registerPassesAndPipelines() {
  registerBitnetConversionPasses();
  registerBitnetTransformsPasses();
  for (const Stage &stage : getStages()) {
    if (!stage.build)
      continue;
    auto build = [&stage](OpPassManager &pm, const StageOptions &options) {
      PipelineOptions values;
      values.format = options.format;
      values.head = options.head;
      values.maxBatch = options.maxBatch;
      values.maxSequences = options.maxSequences;
      values.explain = options.explain;
      stage.build(pm, values);
    };
    static std::vector<std::unique_ptr<PassPipelineRegistration<StageOptions>>>
        pipelines;
    pipelines.push_back(
        std::make_unique<PassPipelineRegistration<StageOptions>>(
            (stage.name + "-pipeline").str(), stage.summary, build));
  }
}
