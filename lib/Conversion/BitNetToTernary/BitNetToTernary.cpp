//===- BitNetToTernary.cpp - BitLinear -> quantize + matmul + rescale -----===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "dialects/Ternary/Ternary.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTBITNETTOTERNARY
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// One bitlinear becomes the three exact steps of its definition.
struct LowerBitLinear : OpRewritePattern<bitnet::BitLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bitnet::BitLinearOp op,
                                PatternRewriter &rewriter) const override {
    auto x = dyn_cast<RankedTensorType>(op.getX().getType());
    if (!x)
      return rewriter.notifyMatchFailure(op, "not in tensor form");
    Location loc = op.getLoc();
    int64_t tokens = x.getDimSize(0);
    int64_t columns = ternary::getPaddedColumns(x.getDimSize(1));
    auto quantize = ternary::QuantizeOp::create(
        rewriter, loc,
        TypeRange{
            RankedTensorType::get({tokens, columns}, rewriter.getI8Type()),
            RankedTensorType::get({tokens}, rewriter.getF32Type()),
            RankedTensorType::get({tokens}, rewriter.getI32Type())},
        op.getX(), ValueRange());
    auto resultType = cast<RankedTensorType>(op.getResult(0).getType());
    auto products = ternary::MatmulOp::create(
        rewriter, loc, TypeRange{resultType.clone(rewriter.getI32Type())},
        quantize.getResult(0), quantize.getResult(2), op.getWeights(),
        ValueRange());
    rewriter.replaceOpWithNewOp<ternary::RescaleOp>(
        op, TypeRange{resultType}, products.getResult(0), quantize.getResult(1),
        op.getScale(), ValueRange());
    return success();
  }
};

struct ConvertBitNetToTernaryPass
    : bitnetc::impl::ConvertBitNetToTernaryBase<ConvertBitNetToTernaryPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerBitLinear>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
