//===- Product.cpp - One ternary product, compiled and loaded -------------===//
//
// The product starts where stage `ternary` starts and is compiled by the stages
// of lib/Pipeline, so that what is measured is what a model runs. Only the
// entry point differs: the activations come quantised, because one quantisation
// serves several products of a layer.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Measure/Product.h"
#include "bitnet/abi.h"
#include "bitnetc/Codegen/Codegen.h"
#include "bitnetc/Pipeline/Pipeline.h"
#include "bitnetc/Support/Error.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::measure;

static MLIRContext &getContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registerDialects(registry);
    auto *context = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
    return context;
  }();
  return *context;
}

int64_t measure::getActivationPitch(const Shape &shape) {
  int64_t columns = ternary::getPaddedColumns(shape.k);
  return shape.tokens == 1 ? columns : ternary::getRowPitch(columns, 1);
}

/// The module at the start of stage `ternary`. One token is a decode step:
/// its number of tokens is a constant there, and unknown in a prompt.
static std::string getSource(const Shape &shape) {
  std::string m = shape.tokens == 1 ? "1" : "?";
  return llvm::formatv(R"(
bitnet.weight @w from ["w"] : tensor<{0}x{1}xi2>
bitnet.weight @scale from ["w.scale"] : tensor<{6}xf32>
func.func @product(%rows: tensor<{3}x{5}xi8>, %i: tensor<{3}xf32>, %s: tensor<{3}xi32>) -> (tensor<{3}x{0}xf32> {{bitnet.aligned}) attributes {{bitnet.max_tokens = {4} : i64} {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %rows, %c0 : tensor<{3}x{5}xi8>
  %q = tensor.extract_slice %rows[0, 0] [{7}, {2}] [1, 1] : tensor<{3}x{5}xi8> to tensor<{3}x{2}xi8>
  %w = bitnet.weight_ref @w : tensor<{0}x{1}xi2>
  %scale = bitnet.weight_ref @scale : tensor<{6}xf32>
  %r = ternary.matmul %q, %s, %w : (tensor<{3}x{2}xi8>, tensor<{3}xi32>, tensor<{0}x{1}xi2>) -> tensor<{3}x{0}xi32>
  %y = ternary.rescale %r, %i, %scale : (tensor<{3}x{0}xi32>, tensor<{3}xf32>, tensor<{6}xf32>) -> tensor<{3}x{0}xf32>
  return %y : tensor<{3}x{0}xf32>
}
)",
                       shape.n, shape.k, ternary::getPaddedColumns(shape.k), m,
                       shape.tokens, getActivationPitch(shape),
                       ternary::getSharedScales(shape.n),
                       shape.tokens == 1 ? "1" : "%n")
      .str();
}

/// Makes `bn_product(bn_call *, weights, arena, activations, inverse, sums,
/// result)`, which calls @product with buffers over these pointers. The
/// parallel loops find their threads in the bn_call.
static void addEntry(ModuleOp module, int64_t tokens) {
  auto product = module.lookupSymbol<func::FuncOp>("product");
  product.setPrivate();
  Location loc = product.getLoc();
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  ArrayRef<Type> inputs = product.getArgumentTypes();
  SmallVector<Type> pointers(1 + inputs.size(), pointer);
  auto entry = LLVM::LLVMFuncOp::create(
      builder, loc, "bn_product",
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()),
                                  pointers));
  entry->setAttr("bitnet.entry", builder.getUnitAttr());
  Block *body = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(body);
  LLVMTypeConverter converter(module.getContext());
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                    builder.getI64IntegerAttr(value));
  };
  auto getSize = [&](StringRef name) {
    return module->getAttrOfType<IntegerAttr>(name).getInt();
  };
  SmallVector<Value> operands;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto type = cast<MemRefType>(input);
    int64_t dynamic = i == 0   ? getSize("bitnet.weights_bytes")
                      : i == 1 ? getSize("bitnet.arena_bytes")
                               : tokens;
    auto descriptor =
        MemRefDescriptor::poison(builder, loc, converter.convertType(type));
    descriptor.setAllocatedPtr(builder, loc, body->getArgument(1 + i));
    descriptor.setAlignedPtr(builder, loc, body->getArgument(1 + i));
    descriptor.setConstantOffset(builder, loc, 0);
    int64_t stride = 1;
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      int64_t size = type.isDynamicDim(dim) ? dynamic : type.getDimSize(dim);
      descriptor.setSize(builder, loc, dim, constant(size));
      descriptor.setStride(builder, loc, dim, constant(stride));
      stride *= size;
    }
    operands.push_back(UnrealizedConversionCastOp::create(builder, loc, type,
                                                          Value(descriptor))
                           .getResult(0));
  }
  func::CallOp::create(builder, loc, product, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

static llvm::Error runPasses(ModuleOp module,
                             llvm::function_ref<void(OpPassManager &)> build) {
  std::string message;
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
            message.empty())
          message = diagnostic.str();
        return success();
      });
  PassManager passes(module.getContext());
  build(passes);
  if (failed(passes.run(module)))
    return makeError(message);
  return llvm::Error::success();
}

llvm::Expected<Product> Product::compile(const Shape &shape,
                                         llvm::StringRef format,
                                         const TargetInfo &target,
                                         uint64_t footprint) {
  Product product;
  product.shape = shape;
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(getSource(shape), &getContext());
  if (!module)
    return makeError("the product's module is not valid");
  setTarget(*module, target);
  (*module)->setAttr("bitnet.footprint",
                     Builder(&getContext()).getI64IntegerAttr(footprint));
  PipelineOptions options;
  options.format = format.str();
  options.maxBatch = shape.tokens;
  for (StringRef name : {"ternary", "tiled", "vector"})
    if (llvm::Error error = runPasses(*module, [&](OpPassManager &passes) {
          findStage(name)->build(passes, options);
        }))
      return std::move(error);
  for (auto weight : module->getOps<bitnet::WeightOp>())
    if (auto packed = dyn_cast<ternary::PackedType>(weight.getType())) {
      product.format = &getFormat(packed.getFormat());
      product.matrixBytes = packed.getSizeInBytes();
    } else {
      product.scalesOffset = *weight.getOffset();
    }
  auto getSize = [&](StringRef name) {
    return (*module)->getAttrOfType<IntegerAttr>(name).getInt();
  };
  product.weightsBytes = getSize("bitnet.weights_bytes");
  product.arenaBytes = getSize("bitnet.arena_bytes");
  addEntry(*module, shape.tokens);
  for (auto weight :
       llvm::make_early_inc_range(module->getOps<bitnet::WeightOp>()))
    weight.erase();
  if (llvm::Error error = runPasses(*module, buildLowering))
    return std::move(error);

  llvm::LLVMContext llvmContext;
  auto ir = emitLLVMIR(*module, target, 3, llvmContext);
  if (!ir)
    return ir.takeError();
  llvm::SmallString<0> code;
  llvm::raw_svector_ostream os(code);
  if (llvm::Error error =
          emitMachineCode(**ir, target, 3, /*assembly=*/false, os))
    return std::move(error);

  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  product.jit = std::move(*jit);
  llvm::orc::JITDylib &library = product.jit->getMainJITDylib();
  llvm::orc::SymbolMap runtime;
  runtime[product.jit->mangleAndIntern("bn_parallel_for")] =
      llvm::orc::ExecutorSymbolDef::fromPtr(&bn_parallel_for);
  if (llvm::Error error =
          library.define(llvm::orc::absoluteSymbols(std::move(runtime))))
    return std::move(error);
  // memset and the like.
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      product.jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  if (llvm::Error error =
          product.jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(
              llvm::StringRef(code.data(), code.size()), "product.o")))
    return std::move(error);
  auto symbol = product.jit->lookup("bn_product");
  if (!symbol)
    return symbol.takeError();
  product.entry = symbol->toPtr<void *>();
  return std::move(product);
}

void Product::run(const ProductCall &call) const {
  bn_call header = {};
  header.team = call.team;
  using Entry = void (*)(bn_call *, const void *, void *, const int8_t *,
                         const float *, const int32_t *, float *);
  reinterpret_cast<Entry>(entry)(&header, call.weights, call.arena,
                                 call.activations, call.inverse, call.sums,
                                 call.result);
}
