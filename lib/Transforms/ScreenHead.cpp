//===- ScreenHead.cpp - Single tokens of which only the best matter -------===//
//
// Adds the phase @decode_top. Where it wins is a question of bytes: a sketch of
// one byte for each of two. Targets that widen bytes slowly stay with the whole
// head unless told otherwise.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/HeadSketch.h"
#include "bitnetc/Target/TargetInfo.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

/// Rows of the vocabulary that share one lower bound.
constexpr int64_t kBlockRows = 16;

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
    auto decode = module.lookupSymbol<func::FuncOp>("decode");
    if (!decode || !decode.getBody().hasOneBlock()) {
      module.emitError("expected a function 'decode' with one block; run "
                       "'bitnet-specialize-phases' first");
      return signalPassFailure();
    }
    SmallVector<bitnet::LMHeadOp> heads(decode.getOps<bitnet::LMHeadOp>());
    bitnet::WeightOp table = heads.size() == 1 ? findTable(heads[0]) : nullptr;
    if (!table) {
      if (mode == "auto")
        return;
      decode.emitError("expected one bitnet.lm_head with a table of one source "
                       "and at most ")
          << kMaxSketchColumns << " columns to screen";
      return signalPassFailure();
    }
    if (mode == "auto" && !wins(table, *target))
      return;
    if (Operation *taken = module.lookupSymbol("decode_top")) {
      taken->emitError("expected no symbol 'decode_top' yet");
      return signalPassFailure();
    }
    addPhase(decode, table);
  }

  /// The weight that `head` reads, if a sketch of it can be made.
  static bitnet::WeightOp findTable(bitnet::LMHeadOp head) {
    auto ref = head.getTable().getDefiningOp<bitnet::WeightRefOp>();
    if (!ref || head.getNumResults() != 1)
      return nullptr;
    auto weight = SymbolTable::lookupNearestSymbolFrom<bitnet::WeightOp>(
        ref, ref.getWeightAttr());
    if (!weight || !weight.getSources() || weight.getSources()->size() != 1)
      return nullptr;
    auto type = dyn_cast<RankedTensorType>(weight.getType());
    bool usable = type && type.getRank() == 2 && type.getDimSize(0) > 0 &&
                  type.getDimSize(1) <= kMaxSketchColumns;
    return usable ? weight : nullptr;
  }

  static bool wins(bitnet::WeightOp table, const TargetInfo &target) {
    return table.getSizeInBytes() > kSmallHeadBytes && target.widensBytesFast;
  }

  void addPhase(func::FuncOp decode, bitnet::WeightOp table) {
    OpBuilder builder(decode);
    auto phase = cast<func::FuncOp>(builder.clone(*decode));
    phase.setName("decode_top");
    phase->moveAfter(decode);
    Block &entry = phase.getBody().front();
    Value top = entry.addArgument(builder.getIndexType(), phase.getLoc());
    phase.setFunctionType(builder.getFunctionType(
        entry.getArgumentTypes(), phase.getFunctionType().getResults()));

    auto head = *entry.getOps<bitnet::LMHeadOp>().begin();
    builder.setInsertionPoint(head);
    Location loc = head.getLoc();
    auto tableType = cast<RankedTensorType>(table.getType());
    int64_t rows = tableType.getDimSize(0), columns = tableType.getDimSize(1);
    Type f32 = builder.getF32Type();
    auto vector = RankedTensorType::get({rows}, f32);
    Value sketch =
        addWeight(builder, loc, table, kSketchSuffix,
                  RankedTensorType::get({rows, columns}, builder.getI8Type()));
    Value scale = addWeight(builder, loc, table, kSketchScaleSuffix, vector);
    Value bound = addWeight(builder, loc, table, kSketchBoundSuffix, vector);

    Value x = head.getX();
    int64_t tokens = cast<RankedTensorType>(x.getType()).getDimSize(0);
    auto perToken = [&](int64_t size) {
      return RankedTensorType::get({tokens, size}, f32);
    };
    Value length = bitnet::RowLengthOp::create(
                       builder, loc, TypeRange{perToken(1)}, x, ValueRange())
                       .getResult(0);
    auto screen = bitnet::ScreenHeadOp::create(
        builder, loc,
        TypeRange{perToken(rows), perToken(llvm::divideCeil(rows, kBlockRows))},
        x, length, sketch, scale, bound, ValueRange(),
        builder.getI64IntegerAttr(kBlockRows));
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

  /// Adds the weight that is derived from `table` and a reference to it.
  Value addWeight(OpBuilder &builder, Location loc, bitnet::WeightOp table,
                  StringRef suffix, RankedTensorType type) {
    auto source = cast<StringAttr>(table.getSources()->getValue()[0]);
    OpBuilder atTable(table->getContext());
    atTable.setInsertionPoint(table);
    auto weight = bitnet::WeightOp::create(
        atTable, table.getLoc(),
        builder.getStringAttr(table.getSymName() + suffix), TypeAttr::get(type),
        builder.getStrArrayAttr({(source.getValue() + suffix).str()}),
        ElementsAttr(), IntegerAttr());
    // Another name if that one is taken.
    weight->remove();
    SymbolTable(getOperation()).insert(weight, table->getIterator());
    return bitnet::WeightRefOp::create(builder, loc, type,
                                       FlatSymbolRefAttr::get(weight));
  }
};

} // namespace
