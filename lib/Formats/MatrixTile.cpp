//===- MatrixTile.cpp - Products in matrix tiles: which loop, and its parts
//===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "MatrixTile.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace bitnetc;

Value MatrixTile::allocate(OpBuilder &outside, ArrayRef<int64_t> shape,
                           Type type) {
  return memref::AllocaOp::create(outside, loc, MemRefType::get(shape, type),
                                  builder.getI64IntegerAttr(kVectorBytes));
}

Value MatrixTile::slice(Value memref, ArrayRef<OpFoldResult> offsets,
                        int64_t rows, int64_t columns) {
  OpFoldResult one = builder.getIndexAttr(1);
  return memref::SubViewOp::create(
      builder, loc, memref, offsets,
      {builder.getIndexAttr(rows), builder.getIndexAttr(columns)}, {one, one});
}

void MatrixTile::emitTileDot(ValueRange x, Value panel, Value first, Value sums,
                             int64_t step,
                             function_ref<void(Value column)> beside) {
  auto product =
      ternary::TileDotOp::create(builder, loc, x, panel, first, sums, step);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&product.getBeside(), {},
                                    {builder.getIndexType()}, {loc});
  builder.setInsertionPointToStart(body);
  beside(body->getArgument(0));
}

int64_t bitnetc::getLeastTileTokens(const PackingFormat &format,
                                    const TargetInfo &target) {
  if (!hasTokenTile(format))
    return target.tileTokens;
  int64_t tokens = target.leastTileTokens;
  while (tokens < target.tileTokens &&
         format.getCyclesPer64Bytes(target, tokens) < target.tokenTileCycles)
    ++tokens;
  return tokens;
}

void bitnetc::emitMatrixTiles(OpBuilder &builder, Location loc,
                              const PackingFormat &format,
                              const TileOperands &operands,
                              const ProductSink &sink, scf::ForOp tiles) {
  if (!hasTokenTile(format))
    return emitPanelTile(builder, loc, format, operands, sink, tiles);
  TileEmitter e(builder, loc);
  e.ifHolds(
      e.compare(arith::CmpIPredicate::ule, e.getTokens(operands),
                e.index(kTileTokens)),
      [&] { emitTokenTile(builder, loc, format, operands, sink, tiles); },
      [&] { emitPanelTile(builder, loc, format, operands, sink, tiles); });
}
