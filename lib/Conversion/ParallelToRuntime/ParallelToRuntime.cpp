//===- ParallelToRuntime.cpp - Parallel loops become calls ----------------===//
//
// Works on the llvm dialect, where all captured values are plain LLVM values:
// no memref descriptor has to be taken apart.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/Passes.h"
#include "bitnetc/Target/RuntimeABI.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTPARALLELTORUNTIME
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

constexpr StringLiteral kParallelFor = "bn_parallel_for";

struct ConvertParallelToRuntimePass
    : bitnetc::impl::ConvertParallelToRuntimeBase<
          ConvertParallelToRuntimePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    pointer = LLVM::LLVMPointerType::get(&getContext());
    i64 = IntegerType::get(&getContext(), 64);
    teams.clear(); // of another module
    SmallVector<bitnet::ParallelOp> loops;
    module.walk([&](bitnet::ParallelOp op) { loops.push_back(op); });
    if (failed(verify(loops)) || failed(passTeams(module)))
      return signalPassFailure();
    if (!loops.empty() && !module.lookupSymbol(kParallelFor)) {
      OpBuilder builder(module.getBodyRegion());
      LLVM::LLVMFuncOp::create(
          builder, module.getLoc(), kParallelFor,
          LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                      {pointer, pointer, pointer, i64}));
    }
    SymbolTable symbols(module);
    for (bitnet::ParallelOp op : loops)
      outline(op, symbols);
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      hoistAllocas(function);
  }

private:
  static LogicalResult verify(ArrayRef<bitnet::ParallelOp> loops) {
    for (bitnet::ParallelOp op : loops)
      if (!isa<LLVM::LLVMFuncOp>(op->getParentOp()) ||
          op.getCount().getType().isIndex())
        return op.emitError("expected parallel loops at the top of llvm "
                            "functions; run 'convert-to-llvm' first");
    return success();
  }

  /// Finds the functions that start loops, themselves or by what they call, and
  /// gives them the team.
  LogicalResult passTeams(ModuleOp module) {
    SymbolTable symbols(module);
    SetVector<LLVM::LLVMFuncOp> starters;
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      bool starts = false;
      function.walk([&](bitnet::ParallelOp) { starts = true; });
      if (starts)
        starters.insert(function);
    }
    DenseMap<Operation *, SmallVector<LLVM::CallOp>> callsOf;
    module.walk([&](LLVM::CallOp call) {
      if (call.getCallee())
        if (Operation *callee = symbols.lookup(*call.getCallee()))
          callsOf[callee].push_back(call);
    });
    for (size_t i = 0; i < starters.size(); ++i)
      for (LLVM::CallOp call : callsOf[starters[i]]) {
        if (call->getParentOfType<bitnet::ParallelOp>())
          return call.emitError("expected no parallel loop inside another");
        auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
        if (!caller)
          return call.emitError("expected calls in llvm functions; run "
                                "'convert-to-llvm' first");
        starters.insert(caller);
      }
    for (LLVM::LLVMFuncOp function : starters)
      if (failed(verifyStarter(function, module)))
        return failure();
    AbiStruct callStruct(&getContext(), "bn_call");
    for (LLVM::LLVMFuncOp function : starters) {
      Block &entry = function.getBody().front();
      if (function->hasAttr("bitnet.entry")) {
        OpBuilder builder = OpBuilder::atBlockBegin(&entry);
        teams[function] = callStruct.load(builder, function.getLoc(),
                                          entry.getArgument(0), "team");
        continue;
      }
      LLVM::LLVMFunctionType type = function.getFunctionType();
      SmallVector<Type> inputs(type.getParams());
      inputs.push_back(pointer);
      function.setFunctionType(
          LLVM::LLVMFunctionType::get(type.getReturnType(), inputs));
      teams[function] = entry.addArgument(pointer, function.getLoc());
    }
    for (LLVM::LLVMFuncOp function : starters)
      for (LLVM::CallOp call : callsOf[function])
        call.getCalleeOperandsMutable().append(
            teams[call->getParentOfType<LLVM::LLVMFuncOp>()]);
    return success();
  }

  /// The team becomes an argument of `function`, so every use of it has to be
  /// known; an entry point finds it in its `bn_call`.
  LogicalResult verifyStarter(LLVM::LLVMFuncOp function, ModuleOp module) {
    ArrayRef<Type> inputs = function.getFunctionType().getParams();
    if (function->hasAttr("bitnet.entry")) {
      if (inputs.empty() || inputs[0] != pointer)
        return function.emitError("expected an entry point to take a bn_call");
      return success();
    }
    if (function.isVarArg())
      return function.emitError("expected a fixed number of arguments where a "
                                "parallel loop starts");
    auto uses = SymbolTable::getSymbolUses(function, module);
    for (SymbolTable::SymbolUse use : *uses)
      if (!isa<LLVM::CallOp>(use.getUser()))
        return use.getUser()->emitError("expected only calls of '")
               << function.getSymName() << "', which starts parallel loops";
    return success();
  }

  /// Values that are made anew in the body instead of being passed.
  static bool isCheap(Value value) {
    Operation *op = value.getDefiningOp();
    return op && isa<LLVM::ConstantOp, LLVM::ZeroOp, LLVM::PoisonOp,
                     LLVM::UndefOp, LLVM::AddressOfOp>(op);
  }

  void outline(bitnet::ParallelOp op, SymbolTable &symbols) {
    Location loc = op.getLoc();
    auto caller = op->getParentOfType<LLVM::LLVMFuncOp>();
    SetVector<Value> used;
    getUsedValuesDefinedAbove(op->getRegions(), used);
    SmallVector<Value> captured, cheap;
    SmallVector<Type> types;
    for (Value value : used) {
      if (isCheap(value)) {
        cheap.push_back(value);
        continue;
      }
      captured.push_back(value);
      types.push_back(value.getType());
    }
    auto contextType = LLVM::LLVMStructType::getLiteral(&getContext(), types);

    // The body function.
    OpBuilder builder(caller);
    auto body = LLVM::LLVMFuncOp::create(
        builder, loc, (caller.getSymName() + "_body").str(),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {pointer, i64, i64}),
        LLVM::Linkage::Internal);
    symbols.insert(body, Block::iterator(caller));
    Block *entry = body.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value address = LLVM::GEPOp::create(
          builder, loc, pointer, contextType, entry->getArgument(0),
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      Value loaded =
          LLVM::LoadOp::create(builder, loc, value.getType(), address);
      replaceAllUsesInRegionWith(value, loaded, op.getBody());
    }
    IRMapping map;
    for (Value value : cheap)
      replaceAllUsesInRegionWith(
          value, builder.clone(*value.getDefiningOp(), map)->getResult(0),
          op.getBody());
    op.getBegin().replaceAllUsesWith(entry->getArgument(1));
    op.getEnd().replaceAllUsesWith(entry->getArgument(2));
    op.getBody().front().eraseArguments(0, 2);
    Block *first = &op.getBody().front();
    body.getBody().getBlocks().splice(body.getBody().end(),
                                      op.getBody().getBlocks());
    LLVM::BrOp::create(builder, loc, ValueRange(), first);
    body.walk([](bitnet::YieldOp yield) {
      OpBuilder atYield(yield);
      LLVM::ReturnOp::create(atYield, yield.getLoc(), ValueRange());
      yield.erase();
    });

    // The call.
    builder.setInsertionPoint(op);
    Value one = LLVM::ConstantOp::create(builder, loc, i64,
                                         builder.getI64IntegerAttr(1));
    // A struct that holds vectors is as aligned as they are.
    bool scalars = llvm::all_of(types, [](Type type) {
      return type.isIntOrFloat() || isa<LLVM::LLVMPointerType>(type);
    });
    Value context = LLVM::AllocaOp::create(builder, loc, pointer, contextType,
                                           one, scalars ? 8 : 64);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value address = LLVM::GEPOp::create(
          builder, loc, pointer, contextType, context,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(builder, loc, value, address);
    }
    Value address = LLVM::AddressOfOp::create(builder, loc, body);
    LLVM::CallOp::create(
        builder, loc, TypeRange(), kParallelFor,
        ValueRange{teams[caller], address, context, op.getCount()});
    op.erase();
  }

  /// An alloca inside a loop would take new stack in every iteration.
  static void hoistAllocas(LLVM::LLVMFuncOp function) {
    if (function.isExternal())
      return;
    Block &entry = function.getBody().front();
    SmallVector<LLVM::AllocaOp> allocas;
    function.walk([&](LLVM::AllocaOp op) {
      if (op.getArraySize().getDefiningOp<LLVM::ConstantOp>())
        allocas.push_back(op);
    });
    for (LLVM::AllocaOp op : llvm::reverse(allocas)) {
      op->moveBefore(&entry, entry.begin());
      OpBuilder builder(op);
      op.getArraySizeMutable().assign(
          builder.clone(*op.getArraySize().getDefiningOp())->getResult(0));
    }
  }

  LLVM::LLVMPointerType pointer;
  Type i64;
  DenseMap<LLVM::LLVMFuncOp, Value> teams;
};

} // namespace
