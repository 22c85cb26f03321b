//===- TileMicro.cpp - Cut products into register tiles of tokens ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYTILEMICRO
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// Vector registers that are not accumulators: packed bytes, a decoded plane,
/// masks (formats need up to three), one broadcast activation.
constexpr int64_t kReservedRegisters = 6;
/// Tokens per register tile beyond which nothing is gained: the decoding of a
/// vector is already shared by this many dot products.
constexpr int64_t kMaxTokens = 6;

/// Tokens whose accumulators fit in the registers of the target.
int64_t getTokensPerTile(const PackingFormat &format,
                         const TargetInfo &target) {
  int64_t free = std::max<int64_t>(
      1, int64_t(target.vectorRegisters) - kReservedRegisters);
  int64_t perToken = format.getAccumulators() * 64 / target.vectorBytes;
  return std::clamp<int64_t>(free / perToken, 1, kMaxTokens);
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
      tile(op, *target);
  }

  /// A dimension cut to `count` from `start`, the others whole.
  static Value sliceFirst(OpBuilder &builder, Location loc, Value memref,
                          Value start, int64_t count) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<OpFoldResult> offsets = {start},
                              sizes = {builder.getIndexAttr(count)},
                              strides(type.getRank(), builder.getIndexAttr(1));
    for (int64_t dim = 1; dim < type.getRank(); ++dim) {
      offsets.push_back(builder.getIndexAttr(0));
      sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
    }
    return memref::SubViewOp::create(builder, loc, memref, offsets, sizes,
                                     strides);
  }

  /// The product, the buffer it writes and all that reads that buffer move into
  /// loops over blocks of tokens.
  void tile(Operation *product, const TargetInfo &target) {
    auto acc = product->getOperands().back().getDefiningOp<memref::AllocaOp>();
    if (!acc || !acc.getType().isDynamicDim(0))
      return;
    unsigned weightsOperand = isa<ternary::MatmulOp>(product) ? 2 : 1;
    auto weights = cast<ternary::PackedType>(
        product->getOperand(weightsOperand).getType());
    int64_t block = getTokensPerTile(
        bitnetc::getFormat(weights.getFormat()), target);

    // Everything from the buffer to the end of its block uses one token at a
    // time; cut it at tokens.
    Block *body = acc->getBlock();
    SmallVector<Operation *> moved;
    for (Operation &op : llvm::make_range(Block::iterator(acc), body->end()))
      if (!op.hasTrait<OpTrait::IsTerminator>())
        moved.push_back(&op);

    OpBuilder builder(acc);
    Location loc = product->getLoc();
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value count = acc.getDynamicSizes()[0];
    Value zero = index(0), blockSize = index(block);
    Value rest = arith::RemUIOp::create(builder, loc, count, blockSize);
    Value full = arith::SubIOp::create(builder, loc, count, rest);
    auto loop = [&](Value from, Value to, int64_t step) {
      auto forOp = scf::ForOp::create(builder, loc, from, to, index(step));
      OpBuilder inner = OpBuilder::atBlockBegin(forOp.getBody());
      emitBlock(inner, moved, forOp.getInductionVar(), step);
    };
    loop(zero, full, block);
    if (block > 1)
      loop(full, count, 1);
    for (Operation *op : llvm::reverse(moved))
      op->erase();
  }

  /// Clones `ops` for the tokens from `start` on, `count` of them.
  static void emitBlock(OpBuilder &builder, ArrayRef<Operation *> ops,
                        Value start, int64_t count) {
    IRMapping map;
    for (Operation *op : ops)
      cloneForTokens(builder, op, map, start, count);
  }

  static void cloneForTokens(OpBuilder &builder, Operation *op, IRMapping &map,
                             Value start, int64_t count) {
    Location loc = op->getLoc();
    if (auto alloca = dyn_cast<memref::AllocaOp>(op)) {
      MemRefType type = alloca.getType();
      map.map(alloca.getResult(),
              memref::AllocaOp::create(
                  builder, loc,
                  MemRefType::get({count, type.getDimSize(1)},
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
        offsets[0] = local ? OpFoldResult(builder.getIndexAttr(0))
                           : OpFoldResult(start);
        sizes[0] = builder.getIndexAttr(count);
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
        operand.set(
            sliceFirst(beforeClone, loc, operand.get(), start, count));
    }
  }
};

} // namespace
