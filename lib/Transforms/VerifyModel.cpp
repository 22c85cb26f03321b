//===- VerifyModel.cpp - The contract of an imported model ----------------===//
//
// Later passes rely on what is checked here, so that a wrong importer is found
// at once and not as a wrong program.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Forward.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETVERIFYMODEL
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct BitNetVerifyModelPass
    : bitnetc::impl::BitNetVerifyModelBase<BitNetVerifyModelPass> {
  void runOnOperation() override {
    if (failed(verify(getOperation())))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult verify(ModuleOp module) {
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!forward || forward.isExternal())
      return module.emitError("expected a function 'forward'");
    for (auto function : module.getOps<func::FuncOp>())
      if (function != forward)
        return function.emitError(
            "expected no function but 'forward' in a model");
    if (!forward.isPublic())
      return forward.emitError("expected a public function");
    if (failed(verifyForward(forward)))
      return failure();
    for (Operation &op : forward.getBody().front()) {
      if (!isa_and_nonnull<bitnet::BitNetDialect, tensor::TensorDialect,
                           arith::ArithDialect, func::FuncDialect>(
              op.getDialect()))
        return op.emitError("expected bitnet, tensor, arith and func "
                            "operations in a model");
      if (op.getNumRegions() != 0 || isa<func::CallOp>(op))
        return op.emitError("expected straight-line code in a model");
      if (llvm::any_of(op.getOperandTypes(),
                       [](Type type) { return isa<MemRefType>(type); }))
        return op.emitError("expected tensors in a model, but got a memref");
    }
    for (auto weight : module.getOps<bitnet::WeightOp>())
      if (SymbolTable::symbolKnownUseEmpty(weight, module))
        return weight.emitError("expected every weight to be used, but '")
               << weight.getSymName() << "' is not";
    return success();
  }
};

} // namespace
