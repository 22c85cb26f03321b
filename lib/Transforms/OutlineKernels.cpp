//===- OutlineKernels.cpp - Each distinct operation becomes one function --===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace bitnetc {
#define GEN_PASS_DEF_BITNETOUTLINEKERNELS
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct BitNetOutlineKernelsPass
    : bitnetc::impl::BitNetOutlineKernelsBase<BitNetOutlineKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    kernels.clear(); // of another module
    SymbolTable symbols(module);
    SmallVector<func::FuncOp> phases;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("bitnet.max_tokens"))
        phases.push_back(function);
    for (func::FuncOp phase : phases) {
      if (!phase.getBody().hasOneBlock()) {
        phase.emitError("expected one block");
        return signalPassFailure();
      }
      for (Operation &op :
           llvm::make_early_inc_range(phase.getBody().front())) {
        if (!isKernel(&op))
          continue;
        if (op.getNumResults() != 0) {
          op.emitError("expected operations in memref form; run "
                       "'bitnet-bufferize' first");
          return signalPassFailure();
        }
        outline(&op, symbols);
      }
    }
  }

private:
  static bool isKernel(Operation *op) {
    return isa<ternary::KernelOpInterface, bitnet::KVStoreOp,
               bitnet::ParallelOp>(op);
  }

  /// Constants and packed views cost nothing and make the kernel's types
  /// complete: they are cloned into it instead of becoming arguments.
  static bool isSunk(Value value) {
    Operation *op = value.getDefiningOp();
    return op &&
           (isa<ternary::ViewOp>(op) || op->hasTrait<OpTrait::ConstantLike>());
  }

  /// What the kernel does, for its name: the first operation of the region
  /// that is one.
  static StringRef getKernelName(Operation *op) {
    StringRef name = op->getName().stripDialect();
    if (auto parallel = dyn_cast<bitnet::ParallelOp>(op))
      parallel.walk([&](Operation *inner) {
        if (inner == op || !isKernel(inner))
          return WalkResult::advance();
        name = inner->getName().stripDialect();
        return WalkResult::interrupt();
      });
    return name;
  }

  /// One of each constant, all at the start, in the order of their text: where
  /// they stood before depends on what else the phase needed.
  static void normalizeConstants(func::FuncOp kernel) {
    std::map<std::string, Operation *> constants;
    kernel.walk([&](Operation *op) {
      if (!op->hasTrait<OpTrait::ConstantLike>())
        return;
      std::string text;
      llvm::raw_string_ostream os(text);
      op->getDiscardableAttrDictionary().print(os);
      op->getPropertiesAsAttribute().print(os);
      os << op->getResult(0).getType();
      auto [known, isNew] = constants.try_emplace(text, op);
      if (isNew)
        return;
      op->replaceAllUsesWith(known->second);
      op->erase();
    });
    Block &entry = kernel.getBody().front();
    for (auto &[text, op] : llvm::reverse(constants))
      op->moveBefore(&entry, entry.begin());
  }

  void outline(Operation *op, SymbolTable &symbols) {
    Location loc = op->getLoc();
    // Values the kernel needs, in the order of their first use.
    llvm::SetVector<Value> captured(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    SmallVector<Value> arguments, sunk;
    for (Value value : captured) {
      if (!isSunk(value)) {
        arguments.push_back(value);
        continue;
      }
      sunk.push_back(value);
    }
    // A sunk view reads bytes that become an argument.
    for (Value value : sunk)
      for (Value operand : value.getDefiningOp()->getOperands())
        if (!llvm::is_contained(arguments, operand))
          arguments.push_back(operand);

    OpBuilder builder(&getContext());
    OwningOpRef<func::FuncOp> kernel = func::FuncOp::create(
        loc, "kernel",
        builder.getFunctionType(ValueRange(arguments).getTypes(), {}));
    Block *body = kernel->addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping map;
    map.map(arguments, body->getArguments());
    for (Value value : sunk)
      builder.clone(*value.getDefiningOp(), map);
    builder.clone(*op, map);
    normalizeConstants(*kernel);
    func::ReturnOp::create(builder, loc);

    std::string text;
    llvm::raw_string_ostream os(text);
    kernel->print(os, OpPrintingFlags().useLocalScope().assumeVerified());
    auto [known, isNew] = kernels.try_emplace(text, StringAttr());
    if (isNew) {
      kernel->setName(
          (getKernelName(op) + "_" + Twine(kernels.size() - 1)).str());
      kernel->setPrivate();
      // Another name if that one is taken.
      known->second = symbols.insert(kernel.release());
      ++numKernels;
    }
    builder.setInsertionPoint(op);
    func::CallOp::create(builder, loc, known->second, TypeRange(), arguments);
    op->erase();
    ++numCalls;
  }

  llvm::StringMap<StringAttr> kernels; // printed form to name
};

} // namespace
