//===- TernaryToVector.cpp - ternary kernels -> loops over vectors --------===//
//
// Replaces every ternary operation in memref form; what the formats emit are
// micro-operations, which convert-micro-ops-to-<isa> lowers.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "bitnetc/Conversion/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTTERNARYTOVECTOR
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

/// Checks that the operation works on memory whose rows are vectors.
static LogicalResult verifyKernel(Operation *op) {
  for (Type type : op->getOperandTypes()) {
    if (isa<TensorType>(type))
      return op->emitOpError("expected operands in memory, but got ")
             << type << "; run 'bitnet-plan-memory' first";
    auto memref = dyn_cast<MemRefType>(type);
    if (memref && memref.getRank() > 1 && !memref.isLastDimUnitStride())
      return op->emitOpError("expected rows of consecutive elements, but got ")
             << type;
  }
  return success();
}

static LogicalResult lower(Operation *op, const TargetInfo &target) {
  if (failed(verifyKernel(op)))
    return failure();
  OpBuilder builder(op);
  VectorEmitter e(builder, op->getLoc());
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(op)
          .Case<ternary::MatmulOp, ternary::LutMatmulOp>(
              [&](auto matmul) { return emitMatmul(e, matmul, target); })
          .Case([&](ternary::QuantizeOp quantize) {
            emitQuantize(e, quantize);
            return success();
          })
          .Case([&](ternary::BuildLutOp build) {
            emitBuildLut(e, build);
            return success();
          })
          .Case([&](ternary::RescaleOp rescale) {
            emitRescale(e, rescale);
            return success();
          });
  if (succeeded(result))
    op->erase();
  return result;
}

namespace {

struct ConvertTernaryToVectorPass
    : bitnetc::impl::ConvertTernaryToVectorBase<ConvertTernaryToVectorPass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    SmallVector<Operation *> kernels, views;
    getOperation()->walk([&](Operation *op) {
      if (isa<ternary::KernelOpInterface>(op) &&
          isa<ternary::TernaryDialect>(op->getDialect()))
        kernels.push_back(op);
      else if (isa<ternary::ViewOp, ternary::TileOp>(op))
        views.push_back(op);
    });
    for (Operation *op : kernels)
      if (failed(lower(op, *target)))
        return signalPassFailure();
    // Users before what they use.
    for (Operation *op : llvm::reverse(views))
      if (op->use_empty())
        op->erase();
  }
};

} // namespace
