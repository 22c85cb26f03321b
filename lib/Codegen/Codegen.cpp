//===- Codegen.cpp - llvm dialect -> LLVM IR -> machine code --------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Codegen/Codegen.h"
#include "bitnetc/Support/Error.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace bitnetc;

static void initializeTargets() {
  static bool done = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    return true;
  }();
  (void)done;
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const TargetInfo &target, unsigned level) {
  initializeTargets();
  Triple triple(target.triple);
  std::string message;
  const Target *backend = TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return makeError("target '" + target.triple + "': " + message);
  constexpr CodeGenOptLevel levels[] = {
      CodeGenOptLevel::None, CodeGenOptLevel::Less, CodeGenOptLevel::Default,
      CodeGenOptLevel::Aggressive};
  // Instruction selection without optimisation crashes on matrix tiles that
  // are carried around a loop (LLVM 22).
  if (level == 0 && target.hasFeature("amx-tile"))
    level = 1;
  return std::unique_ptr<TargetMachine>(backend->createTargetMachine(
      triple, target.cpu, target.features, TargetOptions(), Reloc::PIC_,
      std::nullopt, levels[level]));
}

/// Per-function attributes that make LLVM use the whole machine.
static void setAttributes(Module &module, const TargetInfo &target) {
  std::string width = std::to_string(target.vectorBytes * 8);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr(Attribute::NoUnwind);
    // A kernel is shared by all layers; inlined it would be copied for each.
    if (function.hasLocalLinkage())
      function.addFnAttr(Attribute::NoInline);
  }
}

static void optimize(Module &module, TargetMachine &machine, unsigned level) {
  PassBuilder passBuilder(&machine);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  passBuilder.registerModuleAnalyses(modules);
  passBuilder.registerCGSCCAnalyses(sccs);
  passBuilder.registerFunctionAnalyses(functions);
  passBuilder.registerLoopAnalyses(loops);
  passBuilder.crossRegisterProxies(loops, functions, sccs, modules);
  const OptimizationLevel levels[] = {
      OptimizationLevel::O0, OptimizationLevel::O1, OptimizationLevel::O2,
      OptimizationLevel::O3};
  ModulePassManager passes =
      level == 0 ? passBuilder.buildO0DefaultPipeline(levels[0])
                 : passBuilder.buildPerModuleDefaultPipeline(levels[level]);
  passes.run(module, modules);
}

Expected<std::unique_ptr<Module>> bitnetc::emitLLVMIR(mlir::ModuleOp module,
                                                      const TargetInfo &target,
                                                      unsigned level,
                                                      LLVMContext &context) {
  auto machine = createMachine(target, level);
  if (!machine)
    return machine.takeError();
  // Private functions become internal, so that what is unused goes away.
  module.walk([](mlir::LLVM::LLVMFuncOp function) {
    if (!function.isExternal() && !function->hasAttr("bitnet.entry"))
      function.setLinkage(mlir::LLVM::Linkage::Internal);
  });
  std::unique_ptr<Module> ir =
      mlir::translateModuleToLLVMIR(module, context, "bitnet");
  if (!ir)
    return makeError("translation to LLVM IR failed");
  ir->setTargetTriple(Triple(target.triple));
  ir->setDataLayout((*machine)->createDataLayout());
  setAttributes(*ir, target);
  optimize(*ir, **machine, level);
  return std::move(ir);
}

Error bitnetc::emitMachineCode(Module &module, const TargetInfo &target,
                               unsigned level, bool assembly,
                               raw_pwrite_stream &os) {
  auto machine = createMachine(target, level);
  if (!machine)
    return machine.takeError();
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      assembly ? CodeGenFileType::AssemblyFile
                                               : CodeGenFileType::ObjectFile))
    return makeError("target '" + target.triple + "' cannot write this file");
  passes.run(module);
  return Error::success();
}
