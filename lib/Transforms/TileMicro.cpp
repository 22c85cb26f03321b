//===- TileMicro.cpp - Cut products into register tiles of tokens ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYTILEMICRO
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// Sums of decoded tiles wait in memory now and then: what is saved has to be
/// more than that costs. (i2, whose decoding takes an eighth of the dot
/// products, would be 4 % slower, tl2, a quarter, is 8 % faster.)
constexpr double kPanelCost = 1.2;

/// As many tokens, or more of them, go through a row tile at once, which
/// is decoded for all of them; 0: none do. Matrix tiles need that; for dot
/// products it pays where decoding takes longer than they do.
int64_t getPanelTokens(const PackingFormat &format, const TargetInfo &target,
                       int64_t block) {
  if (target.tileTokens != 0)
    return getLeastTileTokens(format, target);
  double cycles = format.getCyclesPer64Bytes(target, block) / block;
  double decoded =
      target.getDotLoopCycles(0, format.getGeometry().getCodesPerByte());
  return cycles > kPanelCost * decoded ? target.panelTokens : 0;
}

struct TernaryTileMicroPass
    : bitnetc::impl::TernaryTileMicroBase<TernaryTileMicroPass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    SmallVector<Operation *> products;
    getOperation()->walk([&](Operation *op) {
      if (isa<ternary::MatmulOp, ternary::LutMatmulOp>(op) &&
          op->getNumResults() == 0)
        products.push_back(op);
    });
    for (Operation *op : products)
      if (!tile(op, *target))
        splitStreams(op, *target);
  }

  /// The type of the row tile of a product.
  static ternary::PackedType getWeights(Operation *product) {
    unsigned operand = isa<ternary::MatmulOp>(product) ? 2 : 1;
    return cast<ternary::PackedType>(product->getOperand(operand).getType());
  }

  /// A dimension cut to `count` from `start`, the others whole.
  static Value sliceFirst(OpBuilder &builder, Location loc, Value memref,
                          Value start, OpFoldResult count) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<OpFoldResult> offsets = {start}, sizes = {count},
                              strides(type.getRank(), builder.getIndexAttr(1));
    for (int64_t dim = 1; dim < type.getRank(); ++dim) {
      offsets.push_back(builder.getIndexAttr(0));
      sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
    }
    return memref::SubViewOp::create(builder, loc, memref, offsets, sizes,
                                     strides);
  }

  /// True for what may stand between the buffer of a product and the end of its
  /// block: operations that handle each token on its own, as
  /// ternary-tile-parallel writes them. Anything else is left as it is.
  static bool handlesTokens(Operation *op, memref::AllocaOp acc) {
    if (op == acc ||
        isa<ternary::MatmulOp, ternary::LutMatmulOp, ternary::RescaleOp>(op) ||
        isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
      return true;
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return branch.getNumResults() == 0 &&
             llvm::all_of(branch->getRegions(), [&](Region &region) {
               return llvm::all_of(region.getOps(), [&](Operation &nested) {
                 return isa<scf::YieldOp>(nested) ||
                        handlesTokens(&nested, acc);
               });
             });
    // Rows of a slice are tokens if it starts with the first.
    if (auto slice = dyn_cast<memref::SubViewOp>(op))
      return slice.getType().getRank() == slice.getSourceType().getRank() &&
             (!slice.getType().isDynamicDim(0) ||
              isConstantIntValue(slice.getMixedOffsets()[0], 0));
    return false;
  }

  /// The product, the buffer it writes and all that reads that buffer move into
  /// loops over blocks of tokens.
  /// Returns false if there is nothing to cut: the number of tokens is known.
  static bool tile(Operation *product, const TargetInfo &target) {
    auto acc = product->getOperands().back().getDefiningOp<memref::AllocaOp>();
    if (!acc || !acc.getType().isDynamicDim(0))
      return false;
    ternary::PackedType weights = getWeights(product);
    const PackingFormat &format = bitnetc::getFormat(weights.getFormat());
    // A lookup serves a single token.
    bool looksUp = isa<ternary::LutMatmulOp>(product);
    int64_t block = looksUp ? 1 : getTokensPerTile(weights.getFormat(), target);

    // Everything from the buffer to the end of its block uses one token at a
    // time; cut it at tokens.
    Block *body = acc->getBlock();
    SmallVector<Operation *> moved;
    for (Operation &op : llvm::make_range(Block::iterator(acc), body->end()))
      if (!op.hasTrait<OpTrait::IsTerminator>()) {
        if (!handlesTokens(&op, acc))
          return true;
        moved.push_back(&op);
      }
    if (!llvm::is_contained(moved, product))
      return true;

    OpBuilder builder(acc);
    Location loc = product->getLoc();
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value count = acc.getDynamicSizes()[0];
    Value start = index(0);
    int64_t panel = looksUp ? 0 : getPanelTokens(format, target, block);
    if (panel != 0) {
      start = emitPanelBlock(builder, acc, moved, panel);
      block = std::min(block, panel - 1); // more are never left
    }
    Value left = builder.createOrFold<arith::SubIOp>(loc, count, start);
    Value rest = arith::RemUIOp::create(builder, loc, left, index(block));
    Value full = arith::SubIOp::create(builder, loc, count, rest);
    auto loop = [&](Value from, Value to, int64_t step) {
      auto forOp = scf::ForOp::create(builder, loc, from, to, index(step));
      OpBuilder inner = OpBuilder::atBlockBegin(forOp.getBody());
      IRMapping map;
      for (Operation *op : moved)
        cloneForTokens(inner, op, map, forOp.getInductionVar(),
                       inner.getIndexAttr(step));
    };
    loop(start, full, block);
    emitRest(builder, moved, full, rest, block);
    for (Operation *op : llvm::reverse(moved))
      op->erase();
    return true;
  }

  /// The `rest` tokens from `start` on, fewer than `block`, go through the row
  /// tile at once, too: there is code for each number of them.
  static void emitRest(OpBuilder &builder, ArrayRef<Operation *> ops,
                       Value start, Value rest, int64_t block) {
    if (block == 1)
      return;
    Location loc = start.getLoc();
    auto cases = llvm::to_vector(llvm::seq<int64_t>(1, block));
    auto branch = scf::IndexSwitchOp::create(builder, loc, TypeRange(), rest,
                                             cases, cases.size());
    for (Region &region : branch->getRegions()) {
      OpBuilder inner = OpBuilder::atBlockBegin(&region.emplaceBlock());
      // The first region is for no tokens at all.
      IRMapping map;
      if (unsigned tokens = region.getRegionNumber())
        for (Operation *op : ops)
          cloneForTokens(inner, op, map, start, inner.getIndexAttr(tokens));
      scf::YieldOp::create(inner, loc);
    }
  }

  /// All tokens go through the row tile at once if there are `tokens` of them.
  /// Their products wait in a buffer of the whole loop over row tiles. Returns
  /// the first token that is left.
  static Value emitPanelBlock(OpBuilder &builder, memref::AllocaOp acc,
                              ArrayRef<Operation *> ops, int64_t tokens) {
    Location loc = acc.getLoc();
    OpBuilder outside(acc);
    if (auto loop = dyn_cast<scf::ForOp>(acc->getParentOp()))
      outside.setInsertionPoint(loop);
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(outside, loc, value);
    };
    Value count = acc.getDynamicSizes()[0];
    Value buffer = memref::AllocaOp::create(
        outside, loc, acc.getType(), ValueRange{count}, acc.getAlignmentAttr());
    Value zero = index(0), least = index(tokens);
    Value any = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge,
                                      count, least);
    auto branch = scf::IfOp::create(builder, loc, any,
                                    /*withElseRegion=*/false);
    OpBuilder inner = OpBuilder::atBlockBegin(branch.thenBlock());
    IRMapping map;
    map.map(acc.getResult(), buffer);
    for (Operation *op : ops)
      if (op != acc)
        inner.clone(*op, map);
    return arith::SelectOp::create(builder, loc, any, count, zero);
  }

  /// The loop over row tiles that multiplies a single token becomes a loop over
  /// groups of tiles. A group is cut into as many equal parts as the target
  /// reads streams, and a loop advances in all of them at once: their products
  /// stand side by side in the body. Tiles left over come one by one.
  static void splitStreams(Operation *product, const TargetInfo &target) {
    auto loop = dyn_cast<scf::ForOp>(product->getParentOp());
    auto parallel = dyn_cast_or_null<bitnet::ParallelOp>(
        loop ? loop->getParentOp() : nullptr);
    int64_t streams = target.streams;
    if (!parallel || streams < 2 ||
        cast<MemRefType>(product->getOperands().back().getType())
                .getDimSize(0) != 1)
      return;
    Location loc = product->getLoc();
    auto index = [&](OpBuilder &b, int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    auto add = [&](OpBuilder &b, Value x, Value y) -> Value {
      return arith::AddIOp::create(b, loc, x, y);
    };
    auto sub = [&](OpBuilder &b, Value x, Value y) -> Value {
      return arith::SubIOp::create(b, loc, x, y);
    };
    OpBuilder builder(loop);
    Value begin = loop.getLowerBound(), end = loop.getUpperBound();
    Value rest = arith::RemUIOp::create(builder, loc, sub(builder, end, begin),
                                        index(builder, streams));
    Value whole = sub(builder, end, rest);
    int64_t part = llvm::divideCeil(target.streamDistance,
                                    getWeights(product).getTileBytes());
    auto groups = scf::ForOp::create(builder, loc, begin, whole,
                                     index(builder, streams * part));

    OpBuilder outer = OpBuilder::atBlockBegin(groups.getBody());
    Value first = groups.getInductionVar();
    Value width = arith::MinUIOp::create(
        outer, loc, index(outer, part),
        arith::DivUIOp::create(outer, loc, sub(outer, whole, first),
                               index(outer, streams)));
    SmallVector<Value> starts = {first};
    while (starts.size() < size_t(streams))
      starts.push_back(add(outer, starts.back(), width));
    auto together =
        scf::ForOp::create(outer, loc, index(outer, 0), width, loop.getStep());

    OpBuilder inner = OpBuilder::atBlockBegin(together.getBody());
    SmallVector<IRMapping> maps(streams);
    for (auto [map, start] : llvm::zip(maps, starts)) {
      map.map(loop.getInductionVar(),
              add(inner, start, together.getInductionVar()));
      for (Operation &op :
           llvm::make_range(loop.getBody()->begin(), Block::iterator(product)))
        inner.clone(op, map);
    }
    for (IRMapping &map : maps)
      inner.clone(*product, map);
    for (IRMapping &map : maps)
      for (Operation &op :
           llvm::make_range(std::next(Block::iterator(product)),
                            loop.getBody()->getTerminator()->getIterator()))
        inner.clone(op, map);
    loop.getLowerBoundMutable().assign(whole);
  }

  /// Clones `op` for the tokens from `start` on, `count` of them.
  static void cloneForTokens(OpBuilder &builder, Operation *op, IRMapping &map,
                             Value start, OpFoldResult count) {
    Location loc = op->getLoc();
    if (auto alloca = dyn_cast<memref::AllocaOp>(op)) {
      MemRefType type = alloca.getType();
      int64_t tokens = *getConstantIntValue(count);
      map.map(
          alloca.getResult(),
          memref::AllocaOp::create(builder, loc,
                                   MemRefType::get({tokens, type.getDimSize(1)},
                                                   type.getElementType()),
                                   ValueRange(), alloca.getAlignmentAttr()));
      return;
    }
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      auto clone = scf::IfOp::create(builder, loc,
                                     map.lookupOrDefault(branch.getCondition()),
                                     /*withElseRegion=*/true);
      for (auto [from, to] :
           llvm::zip_equal(branch->getRegions(), clone->getRegions())) {
        OpBuilder inner = OpBuilder::atBlockBegin(&to.front());
        for (Operation &nested : from.front().without_terminator())
          cloneForTokens(inner, &nested, map, start, count);
      }
      return;
    }
    if (auto slice = dyn_cast<memref::SubViewOp>(op)) {
      if (slice.getType().isDynamicDim(0)) {
        // A slice of columns: all its tokens become this block's.
        SmallVector<OpFoldResult> offsets, sizes = slice.getMixedSizes();
        for (OpFoldResult offset : slice.getMixedOffsets()) {
          auto value = dyn_cast<Value>(offset);
          offsets.push_back(value ? OpFoldResult(map.lookupOrDefault(value))
                                  : offset);
        }
        bool local = map.contains(slice.getSource());
        offsets[0] =
            local ? OpFoldResult(builder.getIndexAttr(0)) : OpFoldResult(start);
        sizes[0] = count;
        map.map(slice.getResult(),
                memref::SubViewOp::create(
                    builder, loc, map.lookupOrDefault(slice.getSource()),
                    offsets, sizes, slice.getMixedStrides()));
        return;
      }
      builder.clone(*op, map);
      return;
    }
    Operation *clone = builder.clone(*op, map);
    OpBuilder beforeClone(clone);
    for (OpOperand &operand : clone->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (type && type.getRank() > 0 && type.isDynamicDim(0))
        operand.set(sliceFirst(beforeClone, loc, operand.get(), start, count));
    }
  }
};

} // namespace
