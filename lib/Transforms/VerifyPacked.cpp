//===- VerifyPacked.cpp - The contract of the ternary stage ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYVERIFYPACKED
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct TernaryVerifyPackedPass
    : bitnetc::impl::TernaryVerifyPackedBase<TernaryVerifyPackedPass> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(verify(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  static bool isUnpacked(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isInteger(2);
  }

  static LogicalResult verify(Operation *op) {
    if (isa<bitnet::BitLinearOp>(op))
      return op->emitError("expected no bitnet.bitlinear after "
                           "convert-bitnet-to-ternary");
    if (llvm::any_of(op->getOperandTypes(), isUnpacked) ||
        llvm::any_of(op->getResultTypes(), isUnpacked))
      return op->emitError("expected every ternary weight to be packed");
    if (auto weight = dyn_cast<bitnet::WeightOp>(op))
      if (isUnpacked(weight.getType()))
        return op->emitError("expected weight '")
               << weight.getSymName() << "' to be packed";
    return success();
  }
};

} // namespace
