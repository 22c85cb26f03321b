//===- HeadWeights.cpp - Weights made of the output embedding -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "HeadWeights.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "bitnetc/Formats/HeadTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;

bitnet::WeightOp bitnetc::findHeadWeight(bitnet::LMHeadOp head) {
  auto ref = head.getTable().getDefiningOp<bitnet::WeightRefOp>();
  if (!ref || head.getNumResults() != 1)
    return nullptr;
  auto weight = SymbolTable::lookupNearestSymbolFrom<bitnet::WeightOp>(
      ref, ref.getWeightAttr());
  if (!weight || !weight.getSources() || weight.getSources()->size() != 1)
    return nullptr;
  auto type = dyn_cast<RankedTensorType>(weight.getType());
  bool usable = type && type.getRank() == 2 && type.getDimSize(0) > 0 &&
                type.getDimSize(1) <= kMaxSketchColumns;
  return usable ? weight : nullptr;
}

Value bitnetc::addHeadWeight(OpBuilder &builder, bitnet::WeightOp table,
                             StringRef suffix, StringRef sourceSuffix,
                             RankedTensorType type) {
  auto source = cast<StringAttr>(table.getSources()->getValue()[0]);
  ArrayAttr sources =
      builder.getStrArrayAttr({(source.getValue() + sourceSuffix).str()});
  auto module = table->getParentOfType<ModuleOp>();
  // Phases share what is made of a table.
  bitnet::WeightOp weight;
  for (auto other : module.getOps<bitnet::WeightOp>())
    if (other.getSourcesAttr() == sources && other.getType() == type)
      weight = other;
  if (!weight) {
    OpBuilder atTable(table);
    weight = bitnet::WeightOp::create(
        atTable, table.getLoc(),
        builder.getStringAttr(table.getSymName() + suffix), TypeAttr::get(type),
        sources, ElementsAttr(), IntegerAttr());
    // Another name if that one is taken.
    weight->remove();
    SymbolTable(module).insert(weight, table->getIterator());
  }
  return bitnet::WeightRefOp::create(builder, table.getLoc(), type,
                                     FlatSymbolRefAttr::get(weight));
}

SmallVector<Value, 4> bitnetc::addHeadTable(OpBuilder &builder,
                                            bitnet::WeightOp table, Value x,
                                            unsigned bits) {
  auto shape = cast<RankedTensorType>(table.getType()).getShape();
  int64_t tiles = llvm::divideCeil(shape[0], bitnet::kHeadTileRows);
  Type i8 = builder.getI8Type(), f32 = builder.getF32Type();
  int64_t tokens = cast<RankedTensorType>(x.getType()).getDimSize(0);
  int64_t digits = 2 * bitnet::getHeadColumns(shape[1]);
  auto state = bitnet::FixedPointOp::create(
      builder, x.getLoc(),
      TypeRange{RankedTensorType::get({tokens, digits}, i8),
                RankedTensorType::get({tokens, 3}, f32)},
      x, ValueRange());
  std::string suffix = getHeadSuffix(bits).str();
  std::string facts = (suffix + kHeadFactsSuffix).str();
  auto tileType = [&](int64_t size, Type element) {
    return RankedTensorType::get({tiles, size}, element);
  };
  Value bytes =
      addHeadWeight(builder, table, suffix, suffix,
                    tileType(bitnet::getHeadTileBytes(bits, shape[1]), i8));
  Value rows = addHeadWeight(builder, table, facts, facts,
                             tileType(bitnet::getHeadTileFacts(bits), f32));
  return {state.getResult(0), state.getResult(1), bytes, rows};
}
