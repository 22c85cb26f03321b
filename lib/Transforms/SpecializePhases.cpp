//===- SpecializePhases.cpp - @forward becomes one function per phase -----===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Forward.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETSPECIALIZEPHASES
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct BitNetSpecializePhasesPass
    : bitnetc::impl::BitNetSpecializePhasesBase<BitNetSpecializePhasesPass> {
  using BitNetSpecializePhasesBase::BitNetSpecializePhasesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!forward) {
      module.emitError("expected a function 'forward' to specialise");
      return signalPassFailure();
    }
    if (maxBatch < 1) {
      module.emitError("expected max-batch of at least 1, but got ")
          << maxBatch.getValue();
      return signalPassFailure();
    }
    if (maxSequences < 1) {
      module.emitError("expected max-sequences of at least 1, but got ")
          << maxSequences.getValue();
      return signalPassFailure();
    }
    if (failed(verifyForward(forward)))
      return signalPassFailure();
    for (StringRef phase : {"prefill", "decode", "decode_batch"})
      if (Operation *taken = module.lookupSymbol(phase)) {
        taken->emitError("expected no symbol '") << phase << "' yet";
        return signalPassFailure();
      }
    OpBuilder builder(forward);
    auto decode = cast<func::FuncOp>(builder.clone(*forward));
    decode.setName("decode");
    setMaxTokens(decode, 1);
    if (failed(fixTokenCount(decode)))
      return signalPassFailure();
    if (maxSequences > 1) {
      auto batch = cast<func::FuncOp>(builder.clone(*forward));
      batch.setName("decode_batch");
      setMaxTokens(batch, maxSequences);
      if (failed(placeTokens(batch, maxSequences)))
        return signalPassFailure();
      batch->moveAfter(forward);
    }
    forward.setName("prefill");
    setMaxTokens(forward, maxBatch);
    decode->moveAfter(forward);
  }

  static void setMaxTokens(func::FuncOp function, int64_t count) {
    function->setAttr("bitnet.max_tokens",
                      Builder(function).getI64IntegerAttr(count));
  }

  /// Replaces the token dimension by 1 in all values that have as many rows as
  /// there are tokens: those computed from %tokens, up to the slice of rows
  /// whose logits are wanted (its size is an argument, and stays dynamic).
  static LogicalResult fixTokenCount(func::FuncOp function) {
    Builder builder(function.getContext());
    Block &entry = function.getBody().front();
    BlockArgument tokens = entry.getArgument(0);
    tokens.setType(RankedTensorType::get({1}, builder.getI32Type()));
    DenseSet<Value> perToken;
    perToken.insert(tokens);
    for (Operation &op : entry) {
      if (isa<tensor::DimOp, func::ReturnOp>(op))
        continue;
      bool reads = llvm::any_of(op.getOperands(), [&](Value operand) {
        return perToken.contains(operand);
      });
      // The angles of the positions have no token operand.
      if (!reads && !isa<bitnet::RopeAnglesOp>(op))
        continue;
      if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
        OpFoldResult rows = slice.getMixedSizes()[0];
        auto value = dyn_cast<Value>(rows);
        if (value && !isTokenCount(value, perToken))
          continue; // the rows whose logits are wanted
        if (value) {
          SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
          sizes[0] = builder.getIndexAttr(1);
          OpBuilder atSlice(slice);
          auto fixed = tensor::ExtractSliceOp::create(
              atSlice, slice.getLoc(), withOneRow(slice.getType()),
              slice.getSource(), slice.getMixedOffsets(), sizes,
              slice.getMixedStrides());
          slice.getResult().replaceAllUsesWith(fixed.getResult());
          perToken.insert(fixed.getResult());
          continue; // the old slice is dead; erased below
        }
      }
      // Only of these operations is it known that rows of their results are
      // rows of their operands.
      if (!isa<ternary::KernelOpInterface, bitnet::KVStoreOp,
               tensor::ExtractSliceOp>(op))
        return op.emitError("expected bitnet operations and slices on tokens");
      for (Value result : op.getResults())
        if (auto type = dyn_cast<RankedTensorType>(result.getType()))
          if (type.isDynamicDim(0)) {
            result.setType(withOneRow(type));
            perToken.insert(result);
          }
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(entry)))
      if (isa<tensor::ExtractSliceOp>(op) && op.use_empty())
        op.erase();
    // All rows are wanted where there is no slice: their number is known, too.
    function.setFunctionType(builder.getFunctionType(
        entry.getArgumentTypes(), entry.getTerminator()->getOperandTypes()));
    return success();
  }

  /// Every token gets a sequence and a position of its own: the position
  /// becomes places, the cache those of `sequences` texts.
  static LogicalResult placeTokens(func::FuncOp function, int64_t sequences) {
    Builder builder(function.getContext());
    Block &entry = function.getBody().front();
    BlockArgument position = entry.getArgument(1), cache = entry.getArgument(3);
    for (Operation *user : position.getUsers())
      if (!isa<bitnet::RopeAnglesOp, bitnet::KVStoreOp, bitnet::AttentionOp>(
              user))
        return user->emitError("expected only rope_angles, kv_store and "
                               "attention to use the position");
    position.setType(
        RankedTensorType::get({ShapedType::kDynamic, 2}, builder.getI32Type()));
    SmallVector<Value> caches = {cache};
    while (!caches.empty()) {
      Value value = caches.pop_back_val();
      value.setType(
          cast<bitnet::KVCacheType>(value.getType()).withSequences(sequences));
      for (Operation *user : value.getUsers())
        if (auto layer = dyn_cast<bitnet::KVLayerOp>(user))
          caches.push_back(layer.getResult());
    }
    function.setFunctionType(builder.getFunctionType(
        entry.getArgumentTypes(), function.getFunctionType().getResults()));
    return success();
  }

  static bool isTokenCount(Value value, const DenseSet<Value> &perToken) {
    auto dim = value.getDefiningOp<tensor::DimOp>();
    return dim && perToken.contains(dim.getSource()) &&
           dim.getConstantIndex() == std::optional<int64_t>(0);
  }
};

} // namespace
