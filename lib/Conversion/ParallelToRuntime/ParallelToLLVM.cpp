//===- ParallelToLLVM.cpp - bitnet.parallel in convert-to-llvm ------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/ParallelToLLVM.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Count and region arguments of type index become i64.
struct ConvertParallelTypes : ConvertOpToLLVMPattern<bitnet::ParallelOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(bitnet::ParallelOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    OperationState state(op.getLoc(), op->getName());
    state.addOperands(adaptor.getCount());
    Region *body = state.addRegion();
    rewriter.inlineRegionBefore(op.getBody(), *body, body->end());
    if (failed(rewriter.convertRegionTypes(body, *getTypeConverter())))
      return rewriter.notifyMatchFailure(op, "cannot convert region types");
    rewriter.create(state);
    rewriter.eraseOp(op);
    return success();
  }
};

struct BitNetToLLVMInterface : ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void populateConvertToLLVMConversionPatterns(
      ConversionTarget &target, LLVMTypeConverter &converter,
      RewritePatternSet &patterns) const final {
    target.addDynamicallyLegalOp<bitnet::ParallelOp>([](bitnet::ParallelOp op) {
      return !op.getCount().getType().isIndex();
    });
    target.addLegalOp<bitnet::YieldOp>();
    patterns.add<ConvertParallelTypes>(converter);
  }
};

} // namespace

void bitnetc::registerConvertBitNetToLLVMInterface(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, bitnet::BitNetDialect *dialect) {
    dialect->addInterfaces<BitNetToLLVMInterface>();
  });
}
