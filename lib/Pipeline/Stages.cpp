//===- Stages.cpp - The stages and their passes, in order -----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/Passes.h"
#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Pipeline/Pipeline.h"
#include "bitnetc/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace bitnetc;

static void buildBitNet(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createBitNetVerifyModel());
  pm.addPass(createBitNetFuseProjections());
  // Both before the phases, so that it is done once.
  bool changesHead = isHeadPrecision(options.head);
  if (changesHead) {
    BitNetQuantizeHeadOptions quantize;
    quantize.precision = options.head;
    pm.addPass(createBitNetQuantizeHead(quantize));
  }
  BitNetSpecializePhasesOptions phases;
  phases.maxBatch = options.maxBatch;
  phases.maxSequences = options.maxSequences;
  pm.addPass(createBitNetSpecializePhases(phases));
  // Prompts read the head once for all their tokens: only phases that decode
  // have copies.
  BitNetScreenHeadOptions screen;
  screen.mode = changesHead ? "full" : options.head;
  pm.addPass(createBitNetScreenHead(screen));
  pm.addPass(createCanonicalizerPass());
}

static void buildTernary(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createConvertBitNetToTernary());
  // Before the tables, which are built from a quantised activation.
  pm.addPass(createTernaryShareQuantize());
  TernarySelectFormatOptions select;
  select.format = options.format;
  select.choices.assign(options.choices.begin(), options.choices.end());
  select.threads = std::max(options.threads, 1u);
  select.explain = options.explain;
  pm.addPass(createTernarySelectFormat(select));
  pm.addPass(createTernaryPackWeights());
  pm.addPass(createTernaryRewriteToLut());
  // The row sums of activations are unused by tables, references duplicated.
  pm.addPass(createCSEPass());
  pm.addPass(createTernaryVerifyPacked());
}

static void buildTiled(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createBitNetBufferize());
  // Fusing products with their rescaling and loops over tokens frees buffers,
  // so memory is planned after it.
  pm.addPass(createTernaryTileParallel());
  pm.addPass(createBitNetFuseTokenLoops());
  pm.addPass(createBitNetPlanMemory());
  pm.addPass(createCSEPass());
  // What follows is done once for each kernel, not for each layer.
  pm.addPass(createBitNetOutlineKernels());
  pm.addPass(createTernaryTileMicro());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void buildVector(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createConvertTernaryToVector());
  pm.addPass(createConvertBitNetToVector());
  // Each leaves the other's targets alone.
  pm.addPass(createConvertMicroOpsToX86());
  pm.addPass(createConvertMicroOpsToAArch64());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void bitnetc::buildLowering(OpPassManager &pm) {
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createConvertParallelToRuntime());
  pm.addPass(createBitNetVerifyLLVM());
}

static void buildLLVM(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createBitNetExportModel());
  buildLowering(pm);
}

static constexpr Stage kStages[] = {
    {"bitnet", "the model, fused and specialised for prompts and single tokens",
     ".mlir", buildBitNet},
    {"ternary", "exact integer products of packed weights", ".mlir",
     buildTernary},
    {"tiled", "kernels on planned memory, cut for threads and registers",
     ".mlir", buildTiled},
    {"vector", "loops over vectors in the target's instructions", ".mlir",
     buildVector},
    {"llvm", "the llvm dialect, calling the runtime", ".mlir", buildLLVM},
    {"ir", "optimised LLVM IR", ".ll", nullptr},
    {"asm", "assembly", ".s", nullptr},
    {"obj", "an object file", ".o", nullptr},
    {"exe", "the executable", "", nullptr},
};

llvm::ArrayRef<Stage> bitnetc::getStages() { return kStages; }

const Stage *bitnetc::findStage(llvm::StringRef name) {
  for (const Stage &stage : kStages)
    if (stage.name == name)
      return &stage;
  return nullptr;
}
