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

/// The rescaling, the one thing that `block` does, of `products` or of some of
/// their columns from the first on, whole vectors.
static ternary::RescaleOp findRescale(Block *block, Value products) {
  auto rescales = block->getOps<ternary::RescaleOp>();
  if (!llvm::hasSingleElement(rescales) ||
      llvm::any_of(*block, [](Operation &op) {
        return !isa<ternary::RescaleOp>(op) && !isMemoryEffectFree(&op);
      }))
    return nullptr;
  ternary::RescaleOp rescale = *rescales.begin();
  if (rescale.getProducts() == products)
    return rescale;
  auto part = rescale.getProducts().getDefiningOp<memref::SubViewOp>();
  bool isPart = part && part.getSource() == products && part->hasOneUse() &&
                llvm::all_of(part.getStaticOffsets(),
                             [](int64_t offset) { return offset == 0; }) &&
                part.getType().getDimSize(1) % VectorEmitter::lanes == 0;
  return isPart ? rescale : nullptr;
}

/// The rescalings that alone read what `op` multiplies for any number of
/// tokens: matrix tiles hand their products over while they are near. One, or
/// that of a whole row tile and that of the last one, which has fewer rows, in
/// the branches of one operation.
static SmallVector<ternary::RescaleOp>
getPanelRescales(Operation *op, const TargetInfo &target) {
  auto product = dyn_cast<ternary::MatmulOp>(op);
  if (!product || product.getOuts().empty() || target.tileTokens == 0)
    return {};
  Value products = product.getOuts().front();
  if (!cast<MemRefType>(products.getType()).isDynamicDim(0) ||
      !products.getDefiningOp<memref::AllocaOp>())
    return {};
  size_t readers = llvm::range_size(products.getUsers()) - 1;
  // Nothing that could write what is multiplied comes in between.
  Operation *next = op->getNextNode();
  while (next && isMemoryEffectFree(next))
    next = next->getNextNode();
  SmallVector<ternary::RescaleOp> rescales;
  if (readers == 1 && isa_and_nonnull<ternary::RescaleOp>(next))
    rescales = {cast<ternary::RescaleOp>(next)};
  auto branch = dyn_cast_or_null<scf::IfOp>(next);
  if (readers == 2 && branch && branch.elseBlock())
    rescales = {findRescale(branch.thenBlock(), products),
                findRescale(branch.elseBlock(), products)};
  if (rescales.empty() || llvm::is_contained(rescales, nullptr) ||
      rescales.front().getProducts() != products)
    return {};
  return rescales;
}

template <typename OpT>
static LogicalResult lowerStreams(VectorEmitter &e, ArrayRef<Operation *> ops,
                                  const TargetInfo &target) {
  SmallVector<OpT> streams;
  for (Operation *op : ops)
    streams.push_back(cast<OpT>(op));
  return emitMatmul(e, ArrayRef<OpT>(streams), target);
}

/// Lowers one operation, the streams of one loop, or a product with what
/// `getPanelRescales` gives.
static LogicalResult lower(ArrayRef<Operation *> ops,
                           const TargetInfo &target) {
  for (Operation *op : ops)
    if (failed(verifyKernel(op)))
      return failure();
  // Two rescalings of one product stand in a branch.
  scf::IfOp branch;
  if (ops.size() == 3 && isa<ternary::RescaleOp>(ops.back()))
    branch = cast<scf::IfOp>(ops.back()->getParentOp());
  OpBuilder builder(branch ? branch : ops.back());
  VectorEmitter e(builder, ops.front()->getLoc());
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(ops.front())
          .Case([&](ternary::MatmulOp product) -> LogicalResult {
            if (!isa<ternary::RescaleOp>(ops.back()))
              return lowerStreams<ternary::MatmulOp>(e, ops, target);
            auto rescale = cast<ternary::RescaleOp>(ops[1]);
            if (!branch)
              return emitMatmul(e, product, target, {rescale});
            // What whole row tiles are rescaled with is used for the last one,
            // too.
            for (Operation &view : llvm::make_early_inc_range(
                     branch.thenBlock()->without_terminator()))
              view.moveBefore(branch);
            return emitMatmul(e, product, target,
                              {rescale, cast<ternary::RescaleOp>(ops[2]),
                               branch.getCondition()});
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
  if (failed(result))
    return failure();
  for (Operation *op : ops)
    op->erase();
  if (branch)
    branch.erase();
  return success();
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
    llvm::SmallPtrSet<Operation *, 8> taken;
    getOperation()->walk([&](Operation *op) {
      if (isa<ternary::KernelOpInterface>(op) &&
          isa<ternary::TernaryDialect>(op->getDialect())) {
        if (taken.contains(op))
          return;
        if (kernels.empty() || !isNextStream(kernels.back().back(), op))
          kernels.emplace_back();
        kernels.back().push_back(op);
        if (kernels.back().size() > 1)
          return; // streams
        for (ternary::RescaleOp rescale : getPanelRescales(op, *target)) {
          kernels.back().push_back(rescale);
          taken.insert(rescale);
        }
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
