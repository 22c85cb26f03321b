//===- MicroOps.cpp - Cut micro-operations into registers -----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "MicroOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::microops;

/// Bytes of the parts to cut a vector into: a register, or the whole vector if
/// it is shorter. Fails where that would not come out even.
static FailureOr<int64_t> getPartBytes(Operation *op, VectorType type,
                                       const TargetInfo &target) {
  int64_t bytes =
      type.getRank() == 1 && !type.isScalable() ? getBytes(type) : 0;
  if (bytes < 16 || !llvm::isPowerOf2_64(bytes))
    return op->emitOpError("expected a vector of 16, 32, 64, ... bytes, but "
                           "got ")
           << type;
  return std::min<int64_t>(bytes, target.vectorBytes);
}

/// One register's dot product with full unsigned bytes where the target has
/// only bytes below 128: x = (x & 127) + 128 * (x >> 7), both exact.
static Value emitWideDot4(const Isa &isa, OpBuilder &builder, Location loc,
                          Value acc, Value lhs, Value rhs, int64_t max) {
  if (max <= 127 || isa.hasFullDot4(getCount(lhs)))
    return isa.emitDot4(builder, loc, acc, lhs, rhs, max, false);
  auto bytes = cast<VectorType>(lhs.getType());
  auto lanes = cast<VectorType>(acc.getType());
  Value low =
      arith::AndIOp::create(builder, loc, lhs, splat(builder, loc, bytes, 127));
  Value high =
      arith::ShRUIOp::create(builder, loc, lhs, splat(builder, loc, bytes, 7));
  Value zero = splat(builder, loc, lanes, 0);
  Value highSum = isa.emitDot4(builder, loc, zero, high, rhs, 1, false);
  Value scaled = arith::ShLIOp::create(builder, loc, highSum,
                                       splat(builder, loc, lanes, 7));
  Value total = arith::AddIOp::create(builder, loc, acc, scaled);
  return isa.emitDot4(builder, loc, total, low, rhs, 127, false);
}

/// Replaces `op` by what `emit` makes of its vectors, register by register.
/// All have as many bytes as `type`.
static LogicalResult
lowerParts(Operation *op, VectorType type, ValueRange vectors, const Isa &isa,
           function_ref<Value(OpBuilder &, Location, ArrayRef<Value>)> emit) {
  auto bytes = getPartBytes(op, type, isa.target);
  if (failed(bytes))
    return failure();
  OpBuilder builder(op);
  Location loc = op->getLoc();
  SmallVector<SmallVector<Value>> parts; // of each vector
  for (Value vector : vectors) {
    auto bits = cast<VectorType>(vector.getType()).getElementTypeBitWidth();
    parts.push_back(split(builder, loc, vector, *bytes * 8 / bits));
  }
  SmallVector<Value> results;
  for (size_t i = 0; i != parts.front().size(); ++i) {
    SmallVector<Value> operands;
    for (ArrayRef<Value> part : parts)
      operands.push_back(part[i]);
    results.push_back(emit(builder, loc, operands));
  }
  op->replaceAllUsesWith(ValueRange{concat(builder, loc, results)});
  op->erase();
  return success();
}

static LogicalResult lowerDot4(ternary::Dot4Op op, const Isa &isa) {
  if (op.getSignedLhs() && !isa.target.signedDot)
    return op.emitOpError("expected a target with a signed dot product, but "
                          "got CPU '")
           << isa.target.cpu << "'";
  return lowerParts(op, op.getLhs().getType(),
                    {op.getAcc(), op.getLhs(), op.getRhs()}, isa,
                    [&](OpBuilder &builder, Location loc, ArrayRef<Value> v) {
                      return op.getSignedLhs()
                                 ? isa.emitDot4(builder, loc, v[0], v[1], v[2],
                                                op.getMax(), true)
                                 : emitWideDot4(isa, builder, loc, v[0], v[1],
                                                v[2], op.getMax());
                    });
}

static LogicalResult lowerDot2(ternary::Dot2Op op, const Isa &isa) {
  return lowerParts(op, op.getLhs().getType(),
                    {op.getAcc(), op.getLhs(), op.getRhs()}, isa,
                    [&](OpBuilder &builder, Location loc, ArrayRef<Value> v) {
                      return isa.emitDot2(builder, loc, v[0], v[1], v[2]);
                    });
}

static LogicalResult lowerLookup(ternary::ByteLookupOp op, const Isa &isa) {
  return lowerParts(op, op.getIndices().getType(), op.getIndices(), isa,
                    [&](OpBuilder &builder, Location loc, ArrayRef<Value> v) {
                      return isa.emitLookup(builder, loc, op.getTable(), v[0]);
                    });
}

static LogicalResult lowerWordLookup(ternary::WordLookupOp op, const Isa &isa) {
  if (!isa.target.wordLookup)
    return op.emitOpError("expected a target with lookups of words, but got "
                          "CPU '")
           << isa.target.cpu << "'";
  return lowerParts(op, op.getIndices().getType(), op.getIndices(), isa,
                    [&](OpBuilder &builder, Location loc, ArrayRef<Value> v) {
                      return isa.emitWordLookup(builder, loc, op.getTable(),
                                                v[0]);
                    });
}

static LogicalResult lowerOpaque(ternary::OpaqueOp op, const Isa &isa) {
  std::string constraints = ("=" + isa.getRegisterClass() + ",0").str();
  return lowerParts(
      op, cast<VectorType>(op.getValue().getType()), op.getValue(), isa,
      [&](OpBuilder &builder, Location loc, ArrayRef<Value> v) -> Value {
        return LLVM::InlineAsmOp::create(
                   builder, loc, v[0].getType(), v, "", constraints,
                   /*has_side_effects=*/false, /*is_align_stack=*/false,
                   LLVM::tailcallkind::TailCallKind::None,
                   LLVM::AsmDialectAttr::get(op.getContext(),
                                             LLVM::AsmDialect::AD_ATT),
                   ArrayAttr())
            .getRes();
      });
}

LogicalResult bitnetc::microops::lower(Operation *root, const Isa &isa) {
  WalkResult result = root->walk([&](Operation *op) {
    LogicalResult lowered = success();
    if (auto dot4 = dyn_cast<ternary::Dot4Op>(op))
      lowered = lowerDot4(dot4, isa);
    else if (auto dot2 = dyn_cast<ternary::Dot2Op>(op))
      lowered = lowerDot2(dot2, isa);
    else if (auto lookup = dyn_cast<ternary::ByteLookupOp>(op))
      lowered = lowerLookup(lookup, isa);
    else if (auto words = dyn_cast<ternary::WordLookupOp>(op))
      lowered = lowerWordLookup(words, isa);
    else if (auto opaque = dyn_cast<ternary::OpaqueOp>(op))
      lowered = lowerOpaque(opaque, isa);
    return failed(lowered) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
