//===- Matmul.cpp - Multiplication by one row tile ------------------------===//
//
// The format writes the loop; here it is told where its operands are.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "bitnetc/Formats/PackingFormat.h"

using namespace mlir;
using namespace bitnetc;

/// The loop over row tiles around a product of one of them, if it steps through
/// all tiles in order.
template <typename OpT> static scf::ForOp getTileLoop(OpT op) {
  auto tile = op.getWeights().template getDefiningOp<ternary::TileOp>();
  auto index = dyn_cast<BlockArgument>(tile.getIndex());
  auto loop = index ? dyn_cast<scf::ForOp>(index.getOwner()->getParentOp())
                    : scf::ForOp();
  return loop && index == loop.getInductionVar() &&
                 isConstantIntValue(loop.getStep(), 1)
             ? loop
             : scf::ForOp();
}

/// Fills in what both kinds of multiplication share and emits the tiles of
/// `ops`, which read the same activations: one loop, one stream each.
template <typename OpT>
static LogicalResult emitTiles(VectorEmitter &e, ArrayRef<OpT> ops,
                               const TargetInfo &target, TileOperands operands,
                               PanelRescale rescale = {}) {
  OpT first = ops.front();
  for (OpT op : ops) {
    auto tile = op.getWeights().template getDefiningOp<ternary::TileOp>();
    auto view = tile
                    ? tile.getSource().template getDefiningOp<ternary::ViewOp>()
                    : nullptr;
    if (!view)
      return op.emitOpError("expected weights that are a tile of a view of "
                            "bytes; run 'ternary-tile-parallel' first");
    operands.bytes = view.getBytes();
    operands.tileOffsets.push_back(
        e.mulIndex(tile.getIndex(), tile.getTile().getType().getTileBytes()));
    operands.products.push_back(op.getOuts().front());
  }
  auto type = cast<ternary::PackedType>(first.getWeights().getType());
  const PackingFormat &format = getFormat(type.getFormat());
  if (std::optional<std::string> reason = format.getUnsupportedReason(target))
    return first.emitOpError("format '")
           << format.getName() << "' on CPU '" << target.cpu << "' " << *reason;
  auto products = cast<MemRefType>(operands.products.front().getType());
  operands.rows = products.getDimSize(0);
  operands.columns = type.getK();
  auto prefetch = first->template getAttrOfType<IntegerAttr>("prefetch");
  operands.prefetch =
      prefetch ? prefetch.getInt() : target.getPrefetchBytes(ops.size());
  if (!ShapedType::isDynamic(operands.rows)) {
    if (operands.tables)
      format.emitLookupTile(e.builder, e.loc, target, operands);
    else
      format.emitTile(e.builder, e.loc, target, operands);
    return success();
  }
  if ((target.tileTokens == 0 && target.panelTokens == 0) || operands.tables ||
      ops.size() != 1)
    return first.emitOpError("expected a known number of tokens, but got ")
           << products;
  if (target.tileTokens == 0) {
    emitDotPanel(e.builder, e.loc, format, target, operands);
    return success();
  }
  if (operands.columns > kMaxPanelColumns)
    return first.emitOpError("expected at most ")
           << kMaxPanelColumns << " columns for matrix tiles, but got "
           << operands.columns;
  scf::ForOp tiles = getTileLoop(first);
  if (!rescale.whole) {
    auto store = [&](Value token, Value row, Value lanes) {
      vector::StoreOp::create(e.builder, e.loc, lanes, operands.products[0],
                              ValueRange{token, row});
    };
    emitMatrixTiles(e.builder, e.loc, format, operands, {store, nullptr},
                    tiles);
    return success();
  }
  Value out = rescale.whole.getOuts().front();
  auto store = [&](Value token, Value row, Value products) {
    auto emit = [&] {
      Value inverse =
          e.broadcast(e.loadScalar(rescale.whole.getInverse(), token));
      emitRescaledStore(e, rescale.whole, products, inverse, token, row);
    };
    // Rows past the last row tile's end.
    if (rescale.last &&
        *getConstantIntValue(row) >=
            cast<MemRefType>(rescale.last.getOuts()[0].getType()).getDimSize(1))
      e.ifThen(rescale.isWhole, emit);
    else
      emit();
  };
  auto fetch = [&](Value token, Value row) { e.prefetch(out, {token, row}); };
  ProductSink sink = {store, nullptr};
  if (!rescale.whole.getNontemporal())
    sink.prefetch = fetch;
  emitMatrixTiles(e.builder, e.loc, format, operands, sink, tiles);
  return success();
}

LogicalResult bitnetc::emitMatmul(VectorEmitter &e,
                                  ArrayRef<ternary::MatmulOp> ops,
                                  const TargetInfo &target,
                                  PanelRescale rescale) {
  ternary::MatmulOp first = ops.front();
  TileOperands operands;
  operands.activations = first.getActivations();
  operands.sums = first.getSums();
  return emitTiles(e, ops, target, operands, rescale);
}

LogicalResult bitnetc::emitMatmul(VectorEmitter &e,
                                  ArrayRef<ternary::LutMatmulOp> ops,
                                  const TargetInfo &target) {
  TileOperands operands;
  ternary::LutMatmulOp first = ops.front();
  operands.tables = first.getTables();
  return emitTiles(e, ops, target, operands);
}
