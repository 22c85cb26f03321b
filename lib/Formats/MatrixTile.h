//===- MatrixTile.h - What products in matrix tiles share ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_MATRIXTILE_H
#define BITNETC_LIB_FORMATS_MATRIXTILE_H

#include "TileEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace bitnetc {

/// Tokens and columns of a matrix tile; quads of its columns.
constexpr int64_t kTileTokens = 16, kTileCols = 64,
                  kTileQuads = kTileCols / kQuad;

/// The operands of `emitMatrixTiles`, and what both of its loops are made of.
class MatrixTile {
protected:
  MatrixTile(mlir::OpBuilder &builder, mlir::Location loc,
             const PackingFormat &format, const TileOperands &operands,
             const ProductSink &sink, mlir::scf::ForOp tiles)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands), sink(sink),
        tiles(tiles), steps(geometry.getSteps(operands.columns)),
        columns(ternary::getPaddedColumns(operands.columns)),
        products(columns / kTileCols) {}

  int64_t getTileBytes() const { return steps * geometry.stepBytes; }

  /// A buffer of this product at `outside`: of all row tiles, if that is in
  /// front of their loop.
  mlir::Value allocate(mlir::OpBuilder &outside, llvm::ArrayRef<int64_t> shape,
                       mlir::Type type);
  /// Rows and columns of a two-dimensional memref, from `offsets` on.
  mlir::Value slice(mlir::Value memref,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets, int64_t rows,
                    int64_t columns);
  /// A `ternary.tile_dot` that runs `beside` for every `step` columns.
  void emitTileDot(mlir::ValueRange x, mlir::Value panel, mlir::Value first,
                   mlir::Value sums, int64_t step,
                   llvm::function_ref<void(mlir::Value column)> beside);

  TileEmitter e;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  const PackingFormat &format;
  const Geometry geometry;
  const TileOperands &operands;
  const ProductSink &sink;
  mlir::scf::ForOp tiles;
  /// Steps with packed bytes; columns with padding, matrix tiles of them.
  const int64_t steps, columns, products;
};

/// `emitMatrixTiles` for any number of tokens that fill a matrix tile: two
/// groups of rows by 32 tokens, decoded just before.
void emitPanelTile(mlir::OpBuilder &builder, mlir::Location loc,
                   const PackingFormat &format, const TileOperands &operands,
                   const ProductSink &sink, mlir::scf::ForOp tiles);

/// The same for at most as many tokens as fill a matrix tile: one tile of
/// tokens by all forms of the row tile, if the format can.
void emitTokenTile(mlir::OpBuilder &builder, mlir::Location loc,
                   const PackingFormat &format, const TileOperands &operands,
                   const ProductSink &sink, mlir::scf::ForOp tiles);
bool hasTokenTile(const PackingFormat &format);

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_MATRIXTILE_H
