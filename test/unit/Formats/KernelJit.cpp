//===- KernelJit.cpp - Compile a format's tile kernel and call it ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "KernelJit.h"
#include "bitnetc/Conversion/Passes.h"
#include "bitnetc/Support/Error.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace bitnetc;

/// MLIR's memref descriptor in C.
template <int Rank> struct MemRef {
  const void *allocated, *aligned;
  int64_t offset = 0;
  int64_t sizes[Rank], strides[Rank];
};

static MemRef<1> makeRow(const void *data, int64_t size) {
  return {data, data, 0, {size}, {1}};
}
static MemRef<2> makeMatrix(const void *data, int64_t rows, int64_t columns) {
  return {data, data, 0, {rows, columns}, {columns, 1}};
}

/// A module with the function `kernel`, which calls nothing.
static OwningOpRef<ModuleOp> buildModule(MLIRContext &context,
                                         const PackingFormat &format,
                                         const TargetInfo &target,
                                         KernelShape shape) {
  OpBuilder builder(&context);
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  setTarget(*module, target);
  int64_t padded = ternary::getPaddedColumns(shape.columns);
  int64_t tableBytes = format.getAttr(&context).getTableBytes(padded);
  Type i8 = builder.getI8Type(), i32 = builder.getI32Type();
  Type products =
      MemRefType::get({shape.tokens, format.getGeometry().tileRows}, i32);
  auto type = builder.getFunctionType(
      {MemRefType::get({shape.tokens, padded}, i8),
       MemRefType::get({shape.tokens}, i32),
       MemRefType::get({shape.tokens, tableBytes}, i8),
       MemRefType::get({ShapedType::kDynamic}, i8), builder.getIndexType(),
       builder.getIndexType(), products, products},
      {});
  builder.setInsertionPointToStart(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "kernel", type);
  function->setAttr("llvm.emit_c_interface", builder.getUnitAttr());
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);

  TileOperands operands;
  operands.activations = body->getArgument(0);
  operands.sums = body->getArgument(1);
  operands.bytes = body->getArgument(3);
  for (int64_t i = 0; i < shape.streams; ++i) {
    operands.tileOffsets.push_back(body->getArgument(4 + i));
    operands.products.push_back(body->getArgument(6 + i));
  }
  operands.rows = shape.tokens;
  operands.columns = shape.columns;
  operands.prefetch = 3072;
  if (shape.lookup) {
    operands.tables = body->getArgument(2);
    for (int64_t token = 0; token < shape.tokens; ++token)
      format.emitTables(builder, loc, operands.activations, padded,
                        arith::ConstantIndexOp::create(builder, loc, token),
                        operands.tables);
    format.emitLookupTile(builder, loc, target, operands);
  } else {
    format.emitTile(builder, loc, target, operands);
  }
  func::ReturnOp::create(builder, loc);
  return module;
}

static llvm::Error optimize(llvm::Module &module,
                            llvm::orc::JITTargetMachineBuilder builder) {
  auto machine = builder.createTargetMachine();
  if (!machine)
    return machine.takeError();
  module.setDataLayout((*machine)->createDataLayout());
  module.setTargetTriple((*machine)->getTargetTriple());
  for (llvm::Function &function : module) {
    function.addFnAttr("target-cpu", (*machine)->getTargetCPU());
    function.addFnAttr("target-features", (*machine)->getTargetFeatureString());
  }
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(machine->get());
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(graphs);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, graphs, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
  return llvm::Error::success();
}

static MLIRContext &getContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registry.insert<ternary::TernaryDialect>();
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    auto *context = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
    return context;
  }();
  return *context;
}

llvm::Expected<KernelJit> KernelJit::create(const PackingFormat &format,
                                            const TargetInfo &target,
                                            KernelShape shape) {
  MLIRContext &context = getContext();
  OwningOpRef<ModuleOp> module = buildModule(context, format, target, shape);
  PassManager passes(&context);
  passes.addPass(createConvertMicroOpsToX86());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertToLLVMPass());
  if (failed(passes.run(*module)))
    return makeError("lowering failed");

  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = translateModuleToLLVMIR(*module, *llvmContext);
  if (!llvmModule)
    return makeError("translation to LLVM IR failed");
  llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(target.triple)};
  machine.setCPU(target.cpu);
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(target.features).split(features, ',', -1, false);
  machine.addFeatures(
      std::vector<std::string>(features.begin(), features.end()));
  machine.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  if (llvm::Error error = optimize(*llvmModule, machine))
    return std::move(error);

  KernelJit kernel;
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(machine))
                 .create();
  if (!jit)
    return jit.takeError();
  kernel.jit = std::move(*jit);
  if (llvm::Error error = kernel.jit->addIRModule(llvm::orc::ThreadSafeModule(
          std::move(llvmModule), std::move(llvmContext))))
    return std::move(error);
  auto symbol = kernel.jit->lookup("_mlir_ciface_kernel");
  if (!symbol)
    return symbol.takeError();
  kernel.function = symbol->toPtr<void *>();
  kernel.shape = shape;
  kernel.rows = format.getGeometry().tileRows;
  kernel.tableBytes = format.getAttr(&context).getTableBytes(
      ternary::getPaddedColumns(shape.columns));
  return kernel;
}

void KernelJit::run(const Arguments &arguments) const {
  int64_t padded = ternary::getPaddedColumns(shape.columns);
  auto activations = makeMatrix(arguments.activations, shape.tokens, padded);
  auto sums = makeRow(arguments.sums, shape.tokens);
  auto tables = makeMatrix(arguments.tables, shape.tokens, tableBytes);
  auto bytes = makeRow(arguments.bytes, arguments.size);
  auto first = makeMatrix(arguments.products[0], shape.tokens, rows);
  auto second = makeMatrix(arguments.products[1], shape.tokens, rows);
  using Function = void (*)(MemRef<2> *, MemRef<1> *, MemRef<2> *, MemRef<1> *,
                            int64_t, int64_t, MemRef<2> *, MemRef<2> *);
  reinterpret_cast<Function>(function)(&activations, &sums, &tables, &bytes,
                                       arguments.offsets[0],
                                       arguments.offsets[1], &first, &second);
}
