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

/// True if `next` stands right after the product `op`, reads the same
/// activations and equal weights: `ternary-tile-micro` puts tiles side by side
/// that are to be read as streams of one loop.
static bool isNextStream(Operation *op, Operation *next) {
  if (!isa<ternary::MatmulOp, ternary::LutMatmulOp>(op) ||
      op->getNextNode() != next || op->getName() != next->getName() ||
      op->getOperandTypes() != next->getOperandTypes())
    return false;
  // The last two operands are the weights and the destination.
  return op->getOperands().drop_back(2) == next->getOperands().drop_back(2);
}

/// True if `next` is the only reader of what `op` multiplies for any number of
/// tokens: matrix tiles hand their products over while they are near.
static bool isPanelRescale(Operation *op, Operation *next,
                           const TargetInfo &target) {
  auto product = dyn_cast<ternary::MatmulOp>(op);
  auto rescale = dyn_cast<ternary::RescaleOp>(next);
  if (!product || !rescale || op->getBlock() != next->getBlock() ||
      target.tileTokens == 0)
    return false;
  Value products = product.getOuts().front();
  auto type = cast<MemRefType>(products.getType());
  return type.isDynamicDim(0) && rescale.getProducts() == products &&
         products.getDefiningOp<memref::AllocaOp>() &&
         llvm::range_size(products.getUsers()) == 2;
}

template <typename OpT>
static LogicalResult lowerStreams(VectorEmitter &e, ArrayRef<Operation *> ops,
                                  const TargetInfo &target) {
  SmallVector<OpT> streams;
  for (Operation *op : ops)
    streams.push_back(cast<OpT>(op));
  return emitMatmul(e, ArrayRef<OpT>(streams), target);
}

/// Lowers one operation, or the streams of one loop.
static LogicalResult lower(ArrayRef<Operation *> ops,
                           const TargetInfo &target) {
  for (Operation *op : ops)
    if (failed(verifyKernel(op)))
      return failure();
  OpBuilder builder(ops.back());
  VectorEmitter e(builder, ops.front()->getLoc());
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(ops.front())
          .Case([&](ternary::MatmulOp product) -> LogicalResult {
            if (auto rescale = dyn_cast<ternary::RescaleOp>(ops.back()))
              return emitMatmul(e, product, target, rescale);
            return lowerStreams<ternary::MatmulOp>(e, ops, target);
          })
          .Case([&](ternary::LutMatmulOp) {
            return lowerStreams<ternary::LutMatmulOp>(e, ops, target);
          })
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
    for (Operation *op : ops)
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
    SmallVector<SmallVector<Operation *>> kernels;
    SmallVector<Operation *> views;
    getOperation()->walk([&](Operation *op) {
      if (isa<ternary::KernelOpInterface>(op) &&
          isa<ternary::TernaryDialect>(op->getDialect())) {
        if (kernels.empty() ||
            (!isNextStream(kernels.back().back(), op) &&
             !isPanelRescale(kernels.back().back(), op, *target)))
          kernels.emplace_back();
        kernels.back().push_back(op);
      } else if (isa<ternary::ViewOp, ternary::TileOp>(op)) {
        views.push_back(op);
      }
    });
    for (ArrayRef<Operation *> ops : kernels)
      if (failed(lower(ops, *target)))
        return signalPassFailure();
    // Users before what they use.
    for (Operation *op : llvm::reverse(views))
      if (op->use_empty())
        op->erase();
  }
};

} // namespace
