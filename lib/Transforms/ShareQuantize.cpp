//===- ShareQuantize.cpp - Quantise each activation once ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/Ternary/Ternary.h"
#include "mlir/IR/Dominance.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYSHAREQUANTIZE
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct TernaryShareQuantizePass
    : bitnetc::impl::TernaryShareQuantizeBase<TernaryShareQuantizePass> {
  void runOnOperation() override {
    DenseMap<Value, SmallVector<ternary::QuantizeOp>> byInput;
    DominanceInfo dominance(getOperation());
    getOperation()->walk([&](ternary::QuantizeOp op) {
      if (op.getNumResults() == 0)
        return; // memref form: destinations are distinct on purpose
      for (ternary::QuantizeOp earlier : byInput[op.getX()])
        if (earlier->getResultTypes() == op->getResultTypes() &&
            dominance.properlyDominates(earlier.getOperation(),
                                        op.getOperation())) {
          op.replaceAllUsesWith(earlier.getResults());
          op.erase();
          ++numShared;
          return;
        }
      byInput[op.getX()].push_back(op);
    });
  }
};

} // namespace
