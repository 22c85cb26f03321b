//===- FuseProjections.cpp - One BitLinear for several of one input -------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETFUSEPROJECTIONS
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;
using bitnet::BitLinearOp;
using bitnet::WeightOp;
using bitnet::WeightRefOp;

namespace {

struct BitNetFuseProjectionsPass
    : bitnetc::impl::BitNetFuseProjectionsBase<BitNetFuseProjectionsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      // Of one block, so that the first dominates what reads the others.
      llvm::MapVector<std::pair<Value, Block *>, SmallVector<BitLinearOp>>
          byInput;
      function.walk([&](BitLinearOp op) {
        if (isFusible(op, symbols))
          byInput[{op.getX(), op->getBlock()}].push_back(op);
      });
      for (auto &[input, ops] : byInput)
        if (ops.size() > 1)
          fuse(ops, symbols);
    }
    eraseUnusedWeights();
  }

  /// The weight that defines `value`, if it has sources (a test's literal
  /// weight has none and is left alone) and no other reader.
  static WeightOp getWeight(Value value, SymbolTable &symbols) {
    auto ref = value.getDefiningOp<WeightRefOp>();
    if (!ref || !value.hasOneUse())
      return nullptr;
    auto weight = symbols.lookup<WeightOp>(ref.getWeight());
    return weight && weight.getSources() ? weight : nullptr;
  }

  static bool isFusible(BitLinearOp op, SymbolTable &symbols) {
    // A result may know its number of tokens better than its input.
    return op.getNumResults() == 1 &&
           cast<ShapedType>(op.getResult(0).getType()).getDimSize(0) ==
               cast<ShapedType>(op.getX().getType()).getDimSize(0) &&
           getWeight(op.getWeights(), symbols) &&
           getWeight(op.getScale(), symbols);
  }

  /// A weight that stacks those of `values`, and a reference to it.
  static Value stack(OpBuilder &builder, Location loc, ValueRange values,
                     RankedTensorType type, SymbolTable &symbols) {
    SmallVector<Attribute> sources;
    std::string name;
    for (Value value : values) {
      WeightOp weight = getWeight(value, symbols);
      llvm::append_range(sources, *weight.getSources());
      name += (name.empty() ? "" : "+") + weight.getSymName().str();
    }
    WeightOp first = getWeight(values.front(), symbols);
    OpBuilder atWeight(first);
    auto stacked = WeightOp::create(
        atWeight, loc, builder.getStringAttr(name), TypeAttr::get(type),
        builder.getArrayAttr(sources), ElementsAttr(), IntegerAttr());
    symbols.insert(stacked, Block::iterator(first));
    return WeightRefOp::create(
        builder, loc, type, FlatSymbolRefAttr::get(stacked.getSymNameAttr()));
  }

  void fuse(ArrayRef<BitLinearOp> ops, SymbolTable &symbols) {
    BitLinearOp first = ops.front();
    OpBuilder builder(first);
    Location loc = first.getLoc();
    SmallVector<Value> weights, scales;
    int64_t rows = 0;
    bool shareScales = true; // no group of rows lies in two of the matrices
    for (BitLinearOp op : ops) {
      weights.push_back(op.getWeights());
      scales.push_back(op.getScale());
      int64_t count = op.getWeights().getType().getDimSize(0);
      shareScales &= rows % ternary::kScaleRows == 0 &&
                     cast<ShapedType>(op.getScale().getType()).getDimSize(0) ==
                         ternary::getSharedScales(count);
      rows += count;
    }
    int64_t scaleCount = shareScales ? ternary::getSharedScales(rows) : rows;
    auto xType = cast<RankedTensorType>(first.getX().getType());
    Value weight = stack(
        builder, loc, weights,
        RankedTensorType::get({rows, xType.getDimSize(1)},
                              first.getWeights().getType().getElementType()),
        symbols);
    Value scale =
        stack(builder, loc, scales,
              RankedTensorType::get(scaleCount, builder.getF32Type()), symbols);
    auto fused = BitLinearOp::create(
        builder, loc,
        TypeRange{RankedTensorType::get({xType.getDimSize(0), rows},
                                        builder.getF32Type())},
        first.getX(), weight, scale, ValueRange());
    OpFoldResult tokens = tensor::getMixedSize(builder, loc, first.getX(), 0);
    int64_t row = 0;
    for (BitLinearOp op : ops) {
      int64_t count = op.getWeights().getType().getDimSize(0);
      OpFoldResult zero = builder.getIndexAttr(0),
                   one = builder.getIndexAttr(1);
      Value slice = tensor::ExtractSliceOp::create(
          builder, loc, cast<RankedTensorType>(op.getResult(0).getType()),
          fused.getResult(0),
          ArrayRef<OpFoldResult>{zero, builder.getIndexAttr(row)},
          ArrayRef<OpFoldResult>{tokens, builder.getIndexAttr(count)},
          ArrayRef<OpFoldResult>{one, one});
      op.getResult(0).replaceAllUsesWith(slice);
      row += count;
    }
    for (BitLinearOp op : ops) {
      Operation *refs[] = {op.getWeights().getDefiningOp(),
                           op.getScale().getDefiningOp()};
      op.erase();
      for (Operation *ref : refs)
        ref->erase();
    }
    numFused += ops.size() - 1;
  }

  void eraseUnusedWeights() {
    for (auto weight :
         llvm::make_early_inc_range(getOperation().getOps<WeightOp>()))
      if (SymbolTable::symbolKnownUseEmpty(weight, getOperation()))
        weight.erase();
  }
};

} // namespace
