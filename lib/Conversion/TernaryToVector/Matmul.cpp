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

/// Bytes ahead of the loop to prefetch, unless the operation's attribute
/// `prefetch` says otherwise. Without it a core has few cache lines in flight:
/// the loop's waiting dot products fill the scheduler. Measured from DRAM, one
/// stream: +8 KB is 2.5 times as fast as none and a tenth faster than +3 KB.
static constexpr int64_t kPrefetchBytes = 8192;

/// Fills in what both kinds of multiplication share and emits the tile.
template <typename OpT>
static LogicalResult emitTile(VectorEmitter &e, OpT op,
                              const TargetInfo &target, TileOperands operands) {
  auto tile = op.getWeights().template getDefiningOp<ternary::TileOp>();
  auto view = tile ? tile.getSource().template getDefiningOp<ternary::ViewOp>()
                   : nullptr;
  if (!view)
    return op.emitOpError("expected weights that are a tile of a view of "
                          "bytes; run 'ternary-tile-parallel' first");
  ternary::PackedType type = tile.getTile().getType();
  const PackingFormat &format = getFormat(type.getFormat());
  if (std::optional<std::string> reason = format.getUnsupportedReason(target))
    return op.emitOpError("format '")
           << format.getName() << "' on CPU '" << target.cpu << "' " << *reason;
  Value products = op.getOuts().front();
  operands.rows = cast<MemRefType>(products.getType()).getDimSize(0);
  if (ShapedType::isDynamic(operands.rows))
    return op.emitOpError("expected a known number of tokens, but got ")
           << products.getType();
  operands.bytes = view.getBytes();
  operands.tileOffsets = {e.mulIndex(tile.getIndex(), type.getTileBytes())};
  operands.products = {products};
  operands.columns = type.getK();
  auto prefetch = op->template getAttrOfType<IntegerAttr>("prefetch");
  operands.prefetch = prefetch ? prefetch.getInt() : kPrefetchBytes;
  format.emitTile(e.builder, e.loc, target, operands);
  return success();
}

LogicalResult bitnetc::emitMatmul(VectorEmitter &e, ternary::MatmulOp op,
                                  const TargetInfo &target) {
  auto packed = dyn_cast<ternary::PackedType>(op.getWeights().getType());
  if (packed && packed.getFormat().usesTables())
    return op.emitOpError("expected a format for dot products, but got '")
           << packed.getFormat().getFormatName()
           << "'; run 'ternary-rewrite-to-lut' first";
  TileOperands operands;
  operands.activations = op.getActivations();
  operands.sums = op.getSums();
  return emitTile(e, op, target, operands);
}

LogicalResult bitnetc::emitMatmul(VectorEmitter &e, ternary::LutMatmulOp op,
                                  const TargetInfo &target) {
  TileOperands operands;
  operands.tables = op.getTables();
  return emitTile(e, op, target, operands);
}
