//===- Bufferize.cpp - Tensors become buffers -----------------------------===//
//
// A phase (a function with `bitnet.max_tokens`) is straight-line code in which
// every tensor is written once, so one buffer for each tensor is correct by
// construction; bitnet-plan-memory makes them share. (Upstream one-shot
// bufferization solves a harder problem and would need an interface for every
// operation.)
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
    for (Operation *op : llvm::reverse(dead)) {
      if (!op->use_empty())
        return (*op->user_begin())
            ->emitError("expected no use of a tensor, weight or cache but by "
                        "bitnet, ternary and slice operations");
      op->erase();
    }
    for (BlockArgument argument : oldArguments)
      if (!argument.use_empty())
        return (*argument.user_begin())
                   ->emitError("expected no use of argument ")
               << argument.getArgNumber() - newCount
               << " but by bitnet, ternary and slice operations";
    entry.eraseArguments(newCount, oldArguments.size());
    // A result's attributes go to the argument it becomes.
    SmallVector<DictionaryAttr> attributes(newCount - outputs.size());
    function.getAllResultAttrs(attributes);
    function.setFunctionType(
        builder.getFunctionType(entry.getArgumentTypes(), {}));
    function.setResAttrsAttr(nullptr);
    function.setAllArgAttrs(attributes);
    return success();
  }

private:
  static MemRefType toMemRef(RankedTensorType type) {
    return MemRefType::get(type.getShape(), type.getElementType());
  }

  /// True for the tensors that become buffers: only the number of tokens may
  /// be unknown.
  static bool isBufferizable(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() > 0 &&
           llvm::none_of(tensor.getShape().drop_front(),
                         ShapedType::isDynamic) &&
           tensor.getElementType().isIntOrFloat();
  }

  /// (tokens, position, rows, cache) -> logits becomes (weights, arena, tokens,
  /// position, rows, cache, logits), and so on for any arguments; the new ones
  /// stand before the old ones until all uses are rewritten.
  LogicalResult changeSignature(Block &entry) {
    FunctionType type = function.getFunctionType();
    auto bytes = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    SmallVector<Type> types = {bytes, bytes};
    for (Type input : type.getInputs()) {
      if (isBufferizable(input))
        types.push_back(toMemRef(cast<RankedTensorType>(input)));
      else if (auto cache = dyn_cast<bitnet::KVCacheType>(input))
        types.push_back(cache.getMemRefType());
      else if (input.isIntOrIndexOrFloat())
        types.push_back(input);
      else
        return function.emitError("expected tensors with static columns, "
                                  "caches and numbers as arguments, but got ")
               << input;
    }
    for (Type result : type.getResults()) {
      if (!isBufferizable(result))
        return function.emitError("expected tensors with static columns as "
                                  "results, but got ")
               << result;
      types.push_back(toMemRef(cast<RankedTensorType>(result)));
    }
    oldArguments.assign(entry.args_begin(), entry.args_end());
    newCount = types.size();
    for (auto [i, newType] : llvm::enumerate(types))
      entry.insertArgument(i, newType, function.getLoc());
    weights = entry.getArgument(0);
    for (auto [i, old] : llvm::enumerate(oldArguments)) {
      BlockArgument argument = entry.getArgument(2 + i);
      if (!isa<MemRefType>(argument.getType())) {
        old.replaceAllUsesWith(argument);
        continue;
      }
      map.map(old, argument);
      if (!tokens && isa<RankedTensorType>(old.getType()))
        tokens = argument;
    }
    outputs.assign(entry.args_begin() + 2 + oldArguments.size(),
                   entry.args_begin() + newCount);
    return success();
  }

  LogicalResult bufferize(Operation *op) {
    if (op->getNumRegions() != 0)
      return op->emitError("expected straight-line code in a phase");
    if (auto ref = dyn_cast<bitnet::WeightRefOp>(op))
      return bufferizeWeight(ref);
    if (isa<bitnet::KVStoreOp>(op)) {
      for (OpOperand &operand : op->getOpOperands())
        operand.set(getBuffer(operand.get(), op->getLoc()));
      return success();
    }
    if (auto kernel = dyn_cast<ternary::KernelOpInterface>(op))
      return bufferizeKernel(op);
    if (auto layer = dyn_cast<bitnet::KVLayerOp>(op))
      return bufferizeKVLayer(layer);
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return bufferizeSlice(slice);
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      Value size = memref::DimOp::create(
          builder, op->getLoc(), map.lookup(dim.getSource()), dim.getIndex());
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

  /// What an operation on `value` works on: its buffer, that of its only layer
  /// if it is a cache, or itself.
  Value getBuffer(Value value, Location loc) {
    Value buffer = map.lookupOrDefault(value);
    auto cache = dyn_cast<bitnet::KVCacheType>(value.getType());
    return cache ? getLayer(buffer, cache, 0, loc) : buffer;
  }

  LogicalResult bufferizeWeight(bitnet::WeightRefOp ref) {
    auto weight = symbols.lookup<bitnet::WeightOp>(ref.getWeight());
    if (!weight || !weight.getOffset())
      return ref.emitError("expected a weight of the same module");
    if (auto tensor = dyn_cast<RankedTensorType>(ref.getType()))
      if (tensor.getElementType().isInteger(2))
        return ref.emitError("expected packed weights; run "
                             "'ternary-pack-weights' first");
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
      state.operands.push_back(getBuffer(operand, loc));
    for (Value result : op->getResults()) {
      Value buffer = createBuffer(op, result);
      if (!buffer)
        return op->emitError("expected results with static columns, for a "
                             "number of tokens that an argument has");
      state.operands.push_back(buffer);
      map.map(result, buffer);
    }
    state.attributes = op->getDiscardableAttrDictionary().getValue();
    state.propertiesAttr = op->getPropertiesAsAttribute();
    builder.create(state);
    dead.push_back(op);
    return success();
  }

  /// Null if the size of the buffer is not known.
  Value createBuffer(Operation *op, Value result) {
    // The logits are written straight to the caller's memory.
    if (result.hasOneUse() && isa<func::ReturnOp>(*result.user_begin()))
      return outputs[result.use_begin()->getOperandNumber()];
    if (!isBufferizable(result.getType()))
      return nullptr;
    auto type = toMemRef(cast<RankedTensorType>(result.getType()));
    auto align = builder.getI64IntegerAttr(kWeightAlign);
    if (!type.isDynamicDim(0))
      return memref::AllocOp::create(builder, op->getLoc(), type, ValueRange(),
                                     align);
    Value count = getTokenCount(op);
    if (!count)
      return nullptr;
    // Quantised activations: several tokens are read at once.
    int64_t columns = type.getShape().back();
    int64_t pitch = type.getRank() == 2 && type.getElementType().isInteger(8)
                        ? ternary::getRowPitch(columns, 1)
                        : columns;
    auto padded = type.getRank() == 2
                      ? MemRefType::get({ShapedType::kDynamic, pitch},
                                        type.getElementType())
                      : type;
    Value buffer =
        memref::AllocOp::create(builder, op->getLoc(), padded, count, align);
    if (pitch == columns)
      return buffer;
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets = {zero, zero}, strides = {one, one},
                              sizes = {count, builder.getIndexAttr(columns)};
    return memref::SubViewOp::create(builder, op->getLoc(), buffer, offsets,
                                     sizes, strides);
  }

  /// The number of rows of an operation's results: that of its first dynamic
  /// operand, or of the first tensor argument.
  Value getTokenCount(Operation *op) {
    Value like = tokens;
    for (Value operand : op->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (type && type.isDynamicDim(0)) {
        like = map.lookup(operand);
        break;
      }
    }
    if (!like)
      return nullptr;
    // The size itself, so that a buffer may go away and its size stay.
    if (auto slice = like.getDefiningOp<memref::SubViewOp>())
      if (auto size = dyn_cast<Value>(slice.getMixedSizes()[0]))
        return size;
    if (auto alloc = like.getDefiningOp<memref::AllocOp>())
      return alloc.getDynamicSizes()[0];
    return memref::DimOp::create(builder, op->getLoc(), like, 0);
  }

  LogicalResult bufferizeKVLayer(bitnet::KVLayerOp op) {
    Value cache = map.lookupOrNull(op.getCache());
    if (!cache)
      return op.emitError("expected the cache of an argument");
    map.map(op.getResult(), getLayer(cache, op.getCache().getType(),
                                     op.getLayer(), op.getLoc()));
    dead.push_back(op);
    return success();
  }

  /// The view of one layer of a cache of type `planned`; a layer is its own
  /// only layer.
  Value getLayer(Value cache, bitnet::KVCacheType planned, int64_t layer,
                 Location loc) {
    auto type = dyn_cast<MemRefType>(cache.getType());
    MemRefType whole = planned.getMemRefType();
    if (!type || type.getRank() < whole.getRank())
      return cache;
    unsigned dim = whole.getRank() - 5; // that counts the layers
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)),
        strides(type.getRank(), builder.getIndexAttr(1)), sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(builder.getIndexAttr(size));
    sizes[dim + 3] =
        memref::DimOp::create(builder, loc, cache, dim + 3).getResult();
    // A value, not a number: the views of all layers, the first included, have
    // one type and so share their kernels.
    offsets[dim] =
        arith::ConstantIndexOp::create(builder, loc, layer).getResult();
    sizes[dim] = builder.getIndexAttr(1);
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + dim);
    auto resultType = memref::SubViewOp::inferRankReducedResultType(
        shape, type, offsets, sizes, strides);
    return memref::SubViewOp::create(builder, loc, resultType, cache, offsets,
                                     sizes, strides);
  }

  LogicalResult bufferizeSlice(tensor::ExtractSliceOp op) {
    if (op.getType().getRank() != op.getSourceType().getRank())
      return op.emitError("expected a slice of the same rank, but got ")
             << op.getType() << " of " << op.getSourceType();
    Value view = memref::SubViewOp::create(
        builder, op.getLoc(), map.lookup(op.getSource()), op.getMixedOffsets(),
        op.getMixedSizes(), op.getMixedStrides());
    map.map(op.getResult(), view);
    dead.push_back(op);
    return success();
  }

  LogicalResult bufferizeReturn(Operation *op) {
    for (auto [operand, output] : llvm::zip_equal(op->getOperands(), outputs))
      if (map.lookupOrNull(operand) != output)
        return op->emitError("expected to return results of operations that "
                             "nothing else reads");
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
  Value weights, tokens; // tokens: the first tensor argument
  SmallVector<Value> outputs;
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
      offset += weight.getSizeInBytes();
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
