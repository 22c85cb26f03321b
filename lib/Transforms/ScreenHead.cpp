//===- ScreenHead.cpp - Steps of which only the best logits matter --------===//
//
// Adds the phases @prefill_top, @decode_top and @decode_batch_top. Where they
// win is a question of bytes, a sketch of one for each of two, and of whether a
// core multiplies as fast as it reads. Several sequences share the bytes of
// either head, and more of them favour the sketch: its products are integers.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Forward.h"
#include "HeadWeights.h"
#include "bitnetc/Formats/CostModel.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "bitnetc/Target/TargetInfo.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/HeadTable.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETSCREENHEAD
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// Heads up to this size stay in the caches, or cost little: they are read as
/// fast as they can be multiplied.
constexpr int64_t kSmallHeadBytes = 16 << 20;

/// Operations of the loop for 64 bytes of the sketch: products of both digits,
/// loading them, and the bytes themselves.
constexpr double kSketchDots = 2, kSketchOthers = 3;

struct BitNetScreenHeadPass
    : bitnetc::impl::BitNetScreenHeadBase<BitNetScreenHeadPass> {
  using BitNetScreenHeadBase::BitNetScreenHeadBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (mode != "auto" && mode != "full" && mode != "screened") {
      module.emitError("head: expected auto, full or screened, but got '")
          << mode << "'";
      return signalPassFailure();
    }
    FailureOr<TargetInfo> target = getTarget(module);
    if (failed(target))
      return signalPassFailure();
    if (mode == "full")
      return;
    if (!module.lookupSymbol<func::FuncOp>("decode")) {
      module.emitError("expected a function 'decode' with one block; run "
                       "'bitnet-specialize-phases' first");
      return signalPassFailure();
    }
    for (StringRef name : {"prefill", "decode", "decode_batch"})
      if (auto phase = module.lookupSymbol<func::FuncOp>(name))
        if (failed(screen(phase, *target)))
          return signalPassFailure();
  }

  /// Adds the copy of `phase` with a screened head, where `mode` wants one.
  LogicalResult screen(func::FuncOp phase, const TargetInfo &target) {
    if (!phase.getBody().hasOneBlock())
      return phase.emitError("expected a function '")
             << phase.getSymName() << "' with one block";
    SmallVector<bitnet::LMHeadOp> heads(phase.getOps<bitnet::LMHeadOp>());
    bitnet::WeightOp table =
        heads.size() == 1 ? findHeadWeight(heads[0]) : nullptr;
    if (!table) {
      if (mode == "auto")
        return success();
      return phase.emitError("expected one bitnet.lm_head with a table of one "
                             "source and at most ")
             << kMaxSketchColumns << " columns to screen";
    }
    if (mode == "auto" && !wins(table, target))
      return success();
    std::string name = (phase.getSymName() + "_top").str();
    if (Operation *taken = getOperation().lookupSymbol(name))
      return taken->emitError("expected no symbol '") << name << "' yet";
    addPhase(phase, name, table);
    return success();
  }

  /// The screening reads one byte for each number of the table, at the speed of
  /// memory or of its products; the rows that are left are few.
  static bool wins(bitnet::WeightOp table, const TargetInfo &target) {
    int64_t bytes = table.getSizeInBytes();
    auto type = cast<RankedTensorType>(table.getType());
    double bytesPerCycle =
        getBandwidth(target, bytes, /*threads=*/1) / target.speed.gigahertz;
    double full = bytes / bytesPerCycle;
    double screened =
        type.getNumElements() *
        std::max(1 / bytesPerCycle,
                 target.getDotLoopCycles(kSketchOthers, kSketchDots) / 64);
    return bytes > kSmallHeadBytes && screened < full;
  }

  /// Of a prompt only the last token's logits are wanted: the slice of wanted
  /// rows becomes that of one, and so do all that are computed from it. Memory
  /// is planned for as many rows as there may be.
  static void fixRows(Block &entry) {
    SmallVector<Value> rows;
    for (auto slice :
         llvm::make_early_inc_range(entry.getOps<tensor::ExtractSliceOp>())) {
      SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
      if (!isa_and_nonnull<BlockArgument>(dyn_cast<Value>(sizes[0])))
        continue;
      OpBuilder builder(slice);
      sizes[0] = builder.getIndexAttr(1);
      rows.push_back(tensor::ExtractSliceOp::create(
          builder, slice.getLoc(), withOneRow(slice.getType()),
          slice.getSource(), slice.getMixedOffsets(), sizes,
          slice.getMixedStrides()));
      slice.replaceAllUsesWith(rows.back());
      slice.erase();
    }
    while (!rows.empty())
      for (Operation *user : rows.pop_back_val().getUsers())
        for (Value result : user->getResults())
          if (auto type = dyn_cast<RankedTensorType>(result.getType());
              type && type.isDynamicDim(0)) {
            result.setType(withOneRow(type));
            rows.push_back(result);
          }
  }

  static void addPhase(func::FuncOp full, StringRef name,
                       bitnet::WeightOp table) {
    OpBuilder builder(full);
    auto phase = cast<func::FuncOp>(builder.clone(*full));
    phase.setName(name);
    phase->moveAfter(full);
    Block &entry = phase.getBody().front();
    Value top = entry.addArgument(builder.getIndexType(), phase.getLoc());
    if (full.getSymName() == "prefill")
      fixRows(entry);
    phase.setFunctionType(builder.getFunctionType(
        entry.getArgumentTypes(), entry.getTerminator()->getOperandTypes()));

    auto head = *entry.getOps<bitnet::LMHeadOp>().begin();
    builder.setInsertionPoint(head);
    Location loc = head.getLoc();
    int64_t rows = cast<RankedTensorType>(table.getType()).getDimSize(0);
    Value x = head.getX();
    int64_t tokens = cast<RankedTensorType>(x.getType()).getDimSize(0);
    auto perToken = [&](int64_t size) {
      return RankedTensorType::get({tokens, size}, builder.getF32Type());
    };
    SmallVector<Value, 4> operands = addHeadTable(builder, table, x, 7);
    auto screen = bitnet::ScreenHeadOp::create(
        builder, loc,
        TypeRange{perToken(rows),
                  perToken(llvm::divideCeil(rows, bitnet::kHeadTileRows))},
        operands[0], operands[1], operands[2], operands[3], ValueRange());
    Value threshold =
        bitnet::KthLargestOp::create(builder, loc, TypeRange{perToken(1)},
                                     screen.getResult(1), top, ValueRange())
            .getResult(0);
    auto rescore = bitnet::RescoreHeadOp::create(
        builder, loc, head->getResultTypes(), x, head.getTable(),
        screen.getResult(0), threshold, ValueRange());
    head->replaceAllUsesWith(rescore->getResults());
    head.erase();
  }
};

} // namespace
