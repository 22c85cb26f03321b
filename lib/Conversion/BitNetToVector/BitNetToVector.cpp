//===- BitNetToVector.cpp - bitnet kernels -> loops over vectors ----------===//
//
// Replaces every bitnet operation in memref form; weights and parallel regions
// stay. What is still in tensor form is an error, because there is no memory to
// write to.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "bitnetc/Conversion/Passes.h"
#include "bitnetc/Target/TargetInfo.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace bitnetc {
#define GEN_PASS_DEF_CONVERTBITNETTOVECTOR
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

/// True for dimensions that count tokens, rows of a table or blocks of a
/// cache: loops run over them or nothing does. All others become constants.
static bool mayBeDynamic(MemRefType type, unsigned dim) {
  switch (type.getRank()) {
  case 1:
    return type.getElementType().isInteger(); // the tokens of an embedding
  case 2:
    return dim == 0;
  default:
    return dim == 2; // a cache
  }
}

/// Checks that rows of the operands can be read as vectors.
static LogicalResult verifyKernel(Operation *op) {
  for (Value operand : op->getOperands()) {
    Type type = operand.getType();
    if (isa<TensorType, bitnet::KVCacheType>(type))
      return op->emitOpError("expected operands in memory, but got ")
             << type << "; run 'bitnet-plan-memory' first";
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      continue;
    bool isPlaces =
        memref.getRank() == 2 && memref.getElementType().isInteger(32);
    if (isPlaces || memref.getRank() > 4)
      return op->emitOpError("expected tokens of one sequence, but got ")
             << type << "; run 'ternary-tile-parallel' first";
    if (!memref.isLastDimUnitStride())
      return op->emitOpError("expected rows of consecutive elements, but got ")
             << type;
    for (auto [i, size] : llvm::enumerate(memref.getShape()))
      if (ShapedType::isDynamic(size) && !mayBeDynamic(memref, i))
        return op->emitOpError("expected static columns and heads, but got ")
               << type;
  }
  return success();
}

/// Writes the kernel of `op`, if it is one.
static LogicalResult lower(Operation *op, int64_t registers) {
  if (isa<bitnet::WeightOp, bitnet::ParallelOp, bitnet::YieldOp>(op))
    return success();
  if (isa<bitnet::BitLinearOp>(op))
    return op->emitOpError("expected no BitLinear layers; run "
                           "'convert-bitnet-to-ternary' first");
  if (isa<bitnet::WeightRefOp, bitnet::KVLayerOp>(op))
    return op->emitOpError("expected operations in memory form only; run "
                           "'bitnet-plan-memory' first");
  if (failed(verifyKernel(op)))
    return failure();
  OpBuilder builder(op);
  VectorEmitter emitter(builder, op->getLoc());
  emitter.registers = registers;
  TypeSwitch<Operation *>(op)
      .Case<bitnet::AddOp, bitnet::AttentionMergeOp, bitnet::AttentionOp,
            bitnet::AttentionPartOp, bitnet::EmbeddingOp, bitnet::FixedPointOp,
            bitnet::GatedActOp, bitnet::IntegerHeadOp, bitnet::KVStoreOp,
            bitnet::KthLargestOp, bitnet::LMHeadOp, bitnet::RMSNormOp,
            bitnet::RescoreHeadOp, bitnet::RopeAnglesOp, bitnet::RopeOp,
            bitnet::ScreenHeadOp>(
          [&](auto kernel) { emitKernel(emitter, kernel); });
  op->erase();
  return success();
}

namespace {

struct ConvertBitNetToVectorPass
    : bitnetc::impl::ConvertBitNetToVectorBase<ConvertBitNetToVectorPass> {
  void runOnOperation() override {
    if (failed(getTarget(getOperation())))
      return signalPassFailure();
    SmallVector<Operation *> kernels;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<bitnet::BitNetDialect>(op->getDialect()))
        kernels.push_back(op);
    });
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    int64_t registers = target->vectorRegisters * target->vectorBytes /
                        (VectorEmitter::lanes * sizeof(float));
    for (Operation *op : kernels)
      if (failed(lower(op, registers)))
        return signalPassFailure();
  }
};

} // namespace
