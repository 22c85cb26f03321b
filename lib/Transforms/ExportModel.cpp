//===- ExportModel.cpp - Entry points with the runtime's convention -------===//
//
// Field offsets come from runtime/include/bitnet/abi.def, by way of the struct
// types that are expanded from it here: the contract is written once.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Target/RuntimeABI.h"
#include "bitnetc/Target/TargetInfo.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETEXPORTMODEL
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// A phase of a model, by its field of bn_model.
struct Phase {
  StringLiteral name;
  bool isOptional;
  bool takesTop;    // the number of logits that matter
  bool takesPlaces; // tokens of several sequences
};
constexpr Phase kPhases[] = {{"prefill", false, false, false},
                             {"prefill_top", true, true, false},
                             {"decode", false, false, false},
                             {"decode_top", true, true, false},
                             {"decode_batch", true, false, true},
                             {"decode_batch_top", true, true, true}};

/// Emits the exported functions and constants of one module.
class Exporter {
public:
  explicit Exporter(ModuleOp module)
      : module(module), builder(module.getBodyRegion()), loc(module.getLoc()),
        call(module.getContext(), "bn_call"),
        model(module.getContext(), "bn_model"),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        converter(module.getContext()) {}

  LogicalResult run(const TargetInfo &target) {
    for (const Phase &phase : kPhases) {
      auto function = module.lookupSymbol<func::FuncOp>(phase.name);
      if (!function && !phase.isOptional)
        return module.emitError("expected a function '") << phase.name << "'";
      if (function && failed(verifyPhase(phase, function)))
        return failure();
    }
    for (const Phase &phase : kPhases)
      if (auto function = module.lookupSymbol<func::FuncOp>(phase.name))
        if (failed(exportPhase(phase, function)))
          return failure();
    // Their places are in the code now; the driver has their bytes.
    for (auto weight :
         llvm::make_early_inc_range(module.getOps<bitnet::WeightOp>()))
      weight.erase();
    return exportInfo(target);
  }

private:
  Value load(Value base, StringRef field) {
    return call.load(builder, loc, base, field);
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                    builder.getI64IntegerAttr(value));
  }
  Value toIndex(Value i64) {
    return UnrealizedConversionCastOp::create(builder, loc,
                                              builder.getIndexType(), i64)
        .getResult(0);
  }

  /// A contiguous memref over memory of the caller; `dynamic` is the size of
  /// its one dynamic dimension.
  Value makeMemRef(Value base, MemRefType type, Value dynamic) {
    MemRefDescriptor descriptor =
        MemRefDescriptor::poison(builder, loc, converter.convertType(type));
    descriptor.setAllocatedPtr(builder, loc, base);
    descriptor.setAlignedPtr(builder, loc, base);
    descriptor.setConstantOffset(builder, loc, 0);
    Value stride = constant(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      Value size =
          type.isDynamicDim(dim) ? dynamic : constant(type.getDimSize(dim));
      descriptor.setSize(builder, loc, dim, size);
      descriptor.setStride(builder, loc, dim, stride);
      stride = LLVM::MulOp::create(builder, loc, stride, size);
    }
    return UnrealizedConversionCastOp::create(builder, loc, type,
                                              Value(descriptor))
        .getResult(0);
  }

  /// Checks that `function` is (weights, arena, tokens, position or places,
  /// rows, cache, [top,] logits): entry points pass these, whatever the
  /// function calls them.
  LogicalResult verifyPhase(const Phase &phase, func::FuncOp function) {
    FunctionType type = function.getFunctionType();
    auto isMemRef = [&](unsigned i, unsigned rank, Type element,
                        std::optional<unsigned> dynamic) {
      auto memref = dyn_cast<MemRefType>(type.getInput(i));
      if (!memref || memref.getRank() != rank ||
          !memref.getLayout().isIdentity() ||
          (element && memref.getElementType() != element))
        return false;
      for (unsigned dim = 0; dim < rank; ++dim)
        if (memref.isDynamicDim(dim) && dim != dynamic)
          return false;
      return true;
    };
    Type i8 = builder.getI8Type();
    unsigned logits = getLogits(phase);
    bool expected =
        !function.isExternal() && type.getNumInputs() == logits + 1 &&
        type.getNumResults() == 0 && isMemRef(0, 1, i8, 0) &&
        isMemRef(1, 1, i8, 0) && isMemRef(2, 1, builder.getI32Type(), 0) &&
        (phase.takesPlaces
             ? isMemRef(3, 2, builder.getI32Type(), 0) &&
                   isMemRef(5, 6, Type(), 4)
             : type.getInput(3).isIndex() && isMemRef(5, 5, Type(), 3)) &&
        type.getInput(4).isIndex() &&
        (!phase.takesTop || type.getInput(6).isIndex()) &&
        isMemRef(logits, 2, builder.getF32Type(), 0);
    if (!expected)
      return function.emitError(
                 "expected (weights, arena, tokens, " +
                 Twine(phase.takesPlaces ? "places" : "position") +
                 ", rows, cache, " + Twine(phase.takesTop ? "top, " : "") +
                 "logits) in memory; run "
                 "'bitnet-bufferize' first; but got ")
             << type;
    if (!function->getAttrOfType<IntegerAttr>("bitnet.max_tokens"))
      return function.emitError("expected an integer 'bitnet.max_tokens'");
    return success();
  }

  /// The number of the argument that is the logits.
  static unsigned getLogits(const Phase &phase) {
    return phase.takesTop ? 7 : 6;
  }

  LogicalResult exportPhase(const Phase &phase, func::FuncOp function) {
    function.setPrivate();
    builder.setInsertionPointAfter(function);
    auto entry = LLVM::LLVMFuncOp::create(
        builder, loc, ("bn_" + function.getSymName()).str(),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(loc.getContext()),
                                    {pointer}));
    entry->setAttr("bitnet.entry", builder.getUnitAttr());
    Block *body = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(body);
    Value base = body->getArgument(0);
    auto memrefType = [&](unsigned i) {
      return cast<MemRefType>(function.getArgumentTypes()[i]);
    };
    Value rows = load(base, "logit_rows"), tokens = load(base, "num_tokens");
    Value blocks = LLVM::UDivOp::create(
        builder, loc,
        LLVM::AddOp::create(builder, loc, load(base, "context"),
                            constant(bitnet::cacheBlock - 1)),
        constant(bitnet::cacheBlock));
    SmallVector<Value> operands = {
        makeMemRef(load(base, "weights"), memrefType(0),
                   constant(getSize("bitnet.weights_bytes"))),
        makeMemRef(load(base, "arena"), memrefType(1),
                   constant(getSize("bitnet.arena_bytes"))),
        makeMemRef(load(base, "tokens"), memrefType(2), tokens),
        phase.takesPlaces
            ? makeMemRef(load(base, "places"), memrefType(3), tokens)
            : toIndex(load(base, "position")),
        toIndex(rows),
        makeMemRef(load(base, "kv"), memrefType(5), blocks)};
    unsigned logits = getLogits(phase);
    if (phase.takesTop)
      operands.push_back(toIndex(load(base, "top")));
    operands.push_back(
        makeMemRef(load(base, "logits"), memrefType(logits), rows));
    func::CallOp::create(builder, loc, function, operands);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return success();
  }

  static int64_t getMaxTokens(func::FuncOp phase) {
    return phase->getAttrOfType<IntegerAttr>("bitnet.max_tokens").getInt();
  }
  int64_t getSize(StringRef attribute) {
    auto attr = module->getAttrOfType<IntegerAttr>(attribute);
    return attr ? attr.getInt() : 0;
  }
  std::string getText(StringRef attribute) {
    auto attr = module->getAttrOfType<StringAttr>(attribute);
    return attr ? attr.str() : std::string();
  }

  Value makeString(StringRef name, StringRef text) {
    std::string data = text.str() + '\0';
    OpBuilder atModule = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), data.size());
    auto global = LLVM::GlobalOp::create(
        atModule, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
        builder.getStringAttr(data));
    return LLVM::AddressOfOp::create(builder, loc, global);
  }

  LogicalResult exportInfo(const TargetInfo &target) {
    auto prefill = module.lookupSymbol<func::FuncOp>("prefill");
    auto cache = cast<MemRefType>(prefill.getArgumentTypes()[5]);
    auto logits = cast<MemRefType>(prefill.getArgumentTypes()[6]);
    int64_t maxBatch = getMaxTokens(prefill), maxSequences = 1;
    if (auto batch = module.lookupSymbol<func::FuncOp>("decode_batch"))
      maxSequences = getMaxTokens(batch);
    int64_t kvBytes = cache.getElementTypeBitWidth() / 8;
    for (int64_t dim : {0, 1, 2, 4})
      kvBytes *= cache.getDimSize(dim);
    kvBytes /= bitnet::cacheBlock; // scales have whole bytes for each position
    std::map<StringRef, uint64_t> numbers = {
        {"abi_version", BN_ABI_VERSION},
        {"vocab_size", logits.getDimSize(1)},
        {"hidden_size", getSize("bitnet.hidden_size")},
        {"num_layers", cache.getDimSize(0)},
        {"max_context", getSize("bitnet.max_context")},
        {"max_batch", maxBatch},
        {"max_logits", maxBatch},
        {"max_sequences", maxSequences},
        {"threads", getSize("bitnet.threads")},
        {"cpu_features", target.getRuntimeFeatureBits()},
        {"tile_batch", target.leastTileTokens},
        {"arena_bytes", getSize("bitnet.arena_bytes")},
        {"kv_bytes_per_token", kvBytes},
        {"weights_bytes", getSize("bitnet.weights_bytes")}};

    builder.setInsertionPointToEnd(module.getBody());
    auto global = LLVM::GlobalOp::create(
        builder, loc, model.type, /*isConstant=*/true, LLVM::Linkage::External,
        "bn_model_info", Attribute());
    Block *body = builder.createBlock(&global.getInitializerRegion());
    builder.setInsertionPointToStart(body);
    Value info = LLVM::PoisonOp::create(builder, loc, model.type);
    auto set = [&](StringRef field, Value value) {
      info = LLVM::InsertValueOp::create(builder, loc, info, value,
                                         model.getNumber(field));
    };
    for (const AbiField &field : getAbiFields()) {
      if (field.owner != "bn_model" || field.kind == AbiKind::PTR)
        continue;
      auto number = numbers.find(field.name);
      if (number == numbers.end())
        return module.emitError("no value for bn_model.") << field.name;
      Type type = model.getFieldType(field.name);
      set(field.name, LLVM::ConstantOp::create(
                          builder, loc, type,
                          builder.getIntegerAttr(type, number->second)));
    }
    set("name", makeString("bn_name", getText("bitnet.name")));
    set("target", makeString("bn_target", target.triple + " " + target.cpu));
    set("info", makeString("bn_info", getText("bitnet.info")));
    for (const Phase &phase : kPhases) {
      auto entry =
          module.lookupSymbol<LLVM::LLVMFuncOp>(("bn_" + phase.name).str());
      set(phase.name,
          entry ? LLVM::AddressOfOp::create(builder, loc, entry).getResult()
                : LLVM::ZeroOp::create(builder, loc, pointer).getResult());
    }
    LLVM::ReturnOp::create(builder, loc, info);
    return success();
  }

  ModuleOp module;
  OpBuilder builder;
  Location loc;
  AbiStruct call, model;
  LLVM::LLVMPointerType pointer;
  LLVMTypeConverter converter;
};

struct BitNetExportModelPass
    : bitnetc::impl::BitNetExportModelBase<BitNetExportModelPass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target) || failed(Exporter(getOperation()).run(*target)))
      signalPassFailure();
  }
};

} // namespace
