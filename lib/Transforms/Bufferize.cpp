//===- Bufferize.cpp - Tensors become buffers -----------------------------===//
//
// A phase is straight-line code in which every tensor is written once, so one
// buffer for each tensor is correct by construction; bitnet-plan-memory makes
// them share. (Upstream one-shot bufferization solves a harder problem and would
// need an interface for every operation.)
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETBUFFERIZE
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// Weights start at multiples of this many bytes: a cache line.
constexpr int64_t kWeightAlign = 64;

/// Bytes of a weight in the weight section.
int64_t getWeightBytes(Type type) {
  if (auto packed = dyn_cast<ternary::PackedType>(type))
    return packed.getSizeInBytes();
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * tensor.getElementTypeBitWidth() / 8;
}

/// Rewrites one phase.
class PhaseBufferizer {
public:
  PhaseBufferizer(func::FuncOp function, SymbolTable &symbols)
      : function(function), symbols(symbols), builder(function) {}

  LogicalResult run() {
    if (!function.getBody().hasOneBlock())
      return function.emitError("expected one block");
    Block &entry = function.getBody().front();
    if (failed(changeSignature(entry)))
      return failure();
    for (Operation &op : llvm::make_early_inc_range(entry)) {
      builder.setInsertionPoint(&op);
      if (failed(bufferize(&op)))
        return failure();
    }
    for (Operation *op : llvm::reverse(dead))
      op->erase();
    for (BlockArgument argument : oldArguments)
      if (!argument.use_empty())
        return function.emitError("expected all uses of the arguments to be "
                                  "bufferized");
    entry.eraseArguments(newCount, oldArguments.size());
    function.setFunctionType(
        builder.getFunctionType(entry.getArgumentTypes(), {}));
    return success();
  }

private:
  static MemRefType toMemRef(RankedTensorType type) {
    return MemRefType::get(type.getShape(), type.getElementType());
  }

  /// (tokens, position, rows, cache) becomes (weights, arena, tokens, position,
  /// rows, cache, logits); the new arguments stand before the old ones until
  /// all uses are rewritten.
  LogicalResult changeSignature(Block &entry) {
    FunctionType type = function.getFunctionType();
    bool expected =
        type.getNumInputs() == 4 && type.getNumResults() == 1 &&
        isa<RankedTensorType>(type.getInput(0)) &&
        type.getInput(1).isIndex() && type.getInput(2).isIndex() &&
        isa<bitnet::KVCacheType>(type.getInput(3)) &&
        isa<RankedTensorType>(type.getResult(0));
    if (!expected)
      return function.emitError("expected a phase (tokens, position, rows, "
                                "cache) -> logits");
    Location loc = function.getLoc();
    auto bytes =
        MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    auto cache = cast<bitnet::KVCacheType>(type.getInput(3));
    auto cacheType = MemRefType::get({cache.getLayers(), 2, cache.getHeads(),
                                      ShapedType::kDynamic, cache.getHeadDim()},
                                     cache.getElementType());
    SmallVector<Type> types = {
        bytes,
        bytes,
        toMemRef(cast<RankedTensorType>(type.getInput(0))),
        builder.getIndexType(),
        builder.getIndexType(),
        cacheType,
        toMemRef(cast<RankedTensorType>(type.getResult(0)))};
    oldArguments.assign(entry.args_begin(), entry.args_end());
    newCount = types.size();
    for (auto [i, newType] : llvm::enumerate(types))
      entry.insertArgument(i, newType, loc);
    weights = entry.getArgument(0);
    logits = entry.getArgument(6);
    map.map(oldArguments[0], entry.getArgument(2));
    oldArguments[1].replaceAllUsesWith(entry.getArgument(3));
    oldArguments[2].replaceAllUsesWith(entry.getArgument(4));
    map.map(oldArguments[3], entry.getArgument(5));
    return success();
  }

  LogicalResult bufferize(Operation *op) {
    if (auto ref = dyn_cast<bitnet::WeightRefOp>(op))
      return bufferizeWeight(ref);
    if (isa<bitnet::KVStoreOp>(op)) {
      replaceOperands(op);
      return success();
    }
    if (auto kernel = dyn_cast<ternary::KernelOpInterface>(op))
      return bufferizeKernel(op);
    if (auto layer = dyn_cast<bitnet::KVLayerOp>(op))
      return bufferizeKVLayer(layer);
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return bufferizeSlice(slice);
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      Value size = memref::DimOp::create(builder, op->getLoc(),
                                         map.lookup(dim.getSource()),
                                         dim.getIndex());
      dim.getResult().replaceAllUsesWith(size);
      dead.push_back(op);
      return success();
    }
    if (isa<func::ReturnOp>(op))
      return bufferizeReturn(op);
    bool onTensors = llvm::any_of(
        llvm::concat<const Type>(SmallVector<Type>(op->getOperandTypes()),
                                 SmallVector<Type>(op->getResultTypes())),
        [](Type type) { return isa<RankedTensorType>(type); });
    if (onTensors)
      return op->emitError("expected a bitnet, ternary or slice operation on "
                           "tensors");
    return success();
  }

  void replaceOperands(Operation *op) {
    for (OpOperand &operand : op->getOpOperands())
      if (Value buffer = map.lookupOrNull(operand.get()))
        operand.set(buffer);
  }

  LogicalResult bufferizeWeight(bitnet::WeightRefOp ref) {
    auto weight = symbols.lookup<bitnet::WeightOp>(ref.getWeight());
    if (!weight.getOffset())
      return weight.emitError("expected an offset");
    Location loc = ref.getLoc();
    Value offset = arith::ConstantIndexOp::create(
        builder, loc, static_cast<int64_t>(*weight.getOffset()));
    auto packed = dyn_cast<ternary::PackedType>(ref.getType());
    MemRefType type =
        packed ? MemRefType::get({packed.getSizeInBytes()}, builder.getI8Type())
               : toMemRef(cast<RankedTensorType>(ref.getType()));
    Value view = memref::ViewOp::create(builder, loc, type, weights, offset,
                                        ValueRange());
    if (packed)
      ref.getResult().replaceAllUsesWith(
          ternary::ViewOp::create(builder, loc, packed, view).getResult());
    else
      map.map(ref.getResult(), view);
    dead.push_back(ref);
    return success();
  }

  /// Same operation on buffers, with a new buffer for each result.
  LogicalResult bufferizeKernel(Operation *op) {
    Location loc = op->getLoc();
    OperationState state(loc, op->getName());
    for (Value operand : op->getOperands())
      state.operands.push_back(map.lookupOrDefault(operand));
    for (Value result : op->getResults()) {
      Value buffer = createBuffer(op, result);
      state.operands.push_back(buffer);
      map.map(result, buffer);
    }
    state.attributes = op->getDiscardableAttrDictionary().getValue();
    state.propertiesAttr = op->getPropertiesAsAttribute();
    builder.create(state);
    dead.push_back(op);
    return success();
  }

  Value createBuffer(Operation *op, Value result) {
    // The logits are written straight to the caller's memory.
    if (result.hasOneUse() && isa<func::ReturnOp>(*result.user_begin()))
      return logits;
    auto type = toMemRef(cast<RankedTensorType>(result.getType()));
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(getTokenCount(op));
    return memref::AllocOp::create(builder, op->getLoc(), type, sizes,
                                   builder.getI64IntegerAttr(kWeightAlign));
  }

  /// The number of rows of an operation's results: that of its first dynamic
  /// operand, or of the tokens.
  Value getTokenCount(Operation *op) {
    Value like = function.getArgument(2);
    for (Value operand : op->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (type && type.isDynamicDim(0)) {
        like = map.lookup(operand);
        break;
      }
    }
    // The size itself, so that a buffer may go away and its size stay.
    if (auto alloc = like.getDefiningOp<memref::AllocOp>())
      return alloc.getDynamicSizes()[0];
    return memref::DimOp::create(builder, op->getLoc(), like, 0);
  }

  LogicalResult bufferizeKVLayer(bitnet::KVLayerOp op) {
    Value cache = map.lookup(op.getCache());
    auto type = cast<MemRefType>(cache.getType());
    Location loc = op.getLoc();
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    Value positions = memref::DimOp::create(builder, loc, cache, 3);
    SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(op.getLayer()),
                                         zero, zero, zero, zero};
    SmallVector<OpFoldResult> sizes = {
        one, builder.getIndexAttr(2), builder.getIndexAttr(type.getDimSize(2)),
        positions, builder.getIndexAttr(type.getDimSize(4))};
    SmallVector<OpFoldResult> strides(5, one);
    auto resultType = memref::SubViewOp::inferRankReducedResultType(
        {2, type.getDimSize(2), ShapedType::kDynamic, type.getDimSize(4)}, type,
        offsets, sizes, strides);
    map.map(op.getResult(),
            memref::SubViewOp::create(builder, loc, resultType, cache, offsets,
                                      sizes, strides));
    dead.push_back(op);
    return success();
  }

  LogicalResult bufferizeSlice(tensor::ExtractSliceOp op) {
    Value view = memref::SubViewOp::create(
        builder, op.getLoc(), map.lookup(op.getSource()), op.getMixedOffsets(),
        op.getMixedSizes(), op.getMixedStrides());
    map.map(op.getResult(), view);
    dead.push_back(op);
    return success();
  }

  LogicalResult bufferizeReturn(Operation *op) {
    if (map.lookupOrNull(op->getOperand(0)) != logits)
      return op->emitError("expected to return the result of one operation");
    func::ReturnOp::create(builder, op->getLoc());
    dead.push_back(op);
    return success();
  }

  func::FuncOp function;
  SymbolTable &symbols;
  OpBuilder builder;
  IRMapping map; // tensors to buffers
  SmallVector<BlockArgument> oldArguments;
  SmallVector<Operation *> dead;
  unsigned newCount = 0;
  Value weights, logits;
};

struct BitNetBufferizePass
    : bitnetc::impl::BitNetBufferizeBase<BitNetBufferizePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    int64_t offset = 0;
    for (auto weight : module.getOps<bitnet::WeightOp>()) {
      offset = llvm::alignTo(offset, kWeightAlign);
      weight.setOffset(offset);
      offset += getWeightBytes(weight.getType());
    }
    module->setAttr("bitnet.weights_bytes", builder.getI64IntegerAttr(offset));
    SymbolTable symbols(module);
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("bitnet.max_tokens") &&
          failed(PhaseBufferizer(function, symbols).run()))
        return signalPassFailure();
  }
};

} // namespace
