//===- TokenTile.cpp - Products of a few tokens in matrix tiles -----------===//
//
// All forms of a row tile multiply one tile of 16 tokens, some of which may be
// missing: whatever stands in their rows. So a row tile is read and made into
// forms once for all tokens.
//
// Tokens are copied in front of all row tiles, as there may be no memory behind
// them. Forms stay in a ring in the first cache: while the products of 64
// columns read one part of it, the part two further on is written, a few
// vectors between two products. (All of them behind the products take up to a
// fifth longer: what the core can look ahead is less than that.)
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "MatrixTile.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Parts of the ring: read, waiting, written.
constexpr int64_t kParts = 3;
/// Matrix tiles of sums: of eight, tokens and weights take two.
constexpr int64_t kMaxForms = 6;
/// Columns written between two products.
constexpr int64_t kPieceCols = 16;

class Emitter : MatrixTile {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands, const ProductSink &sink,
          scf::ForOp tiles)
      : MatrixTile(builder, loc, format, operands, sink, tiles),
        forms(format.getForms()), parts(std::min(products + 1, kParts)),
        pieceCols(std::max(kPieceCols, geometry.stepCols)) {}

  void emit() {
    OpBuilder::InsertPoint inside = builder.saveInsertionPoint();
    if (tiles)
      builder.setInsertionPoint(tiles);
    panel = allocate(builder, {parts, forms * kTileQuads, kVectorBytes},
                     builder.getI8Type());
    sums =
        allocate(builder, {kTileTokens, forms * kLanes}, builder.getI32Type());
    // A line more, or rows a power of two apart would share places in the
    // cache.
    x = allocate(builder, {kTileTokens, columns + kVectorBytes},
                 builder.getI8Type());
    Value zero = e.index(0);
    tokens = e.getTokens(operands);
    emitCopy();
    Value number = zero;
    here = operands.tileOffsets[0];
    if (tiles) {
      builder.restoreInsertionPoint(inside);
      number = e.sub(tiles.getInductionVar(), tiles.getLowerBound());
      Value next = e.addIndex(tiles.getInductionVar(), 1);
      Value hasNext =
          e.compare(arith::CmpIPredicate::ult, next, tiles.getUpperBound());
      following = e.select(hasNext, e.addIndex(here, getTileBytes()), here);
    } else {
      following = here;
    }
    first = e.remIndex(e.mulIndex(number, products), parts);
    // The tile before has prepared this one.
    e.ifHolds(e.compare(arith::CmpIPredicate::eq, number, zero), [&] {
      e.forEach(zero, e.index(getAhead() * kTileCols / pieceCols),
                [&](Value i) {
                  Value column = e.mulIndex(i, pieceCols);
                  emitPiece(here, column, getPart(column), column);
                });
    });
    emitProduct();
    e.forEach(zero, tokens, [&](Value token) { emitFinish(token); });
  }

private:
  /// The part for `column` of this row tile, or past its end of the next one.
  Value getPart(Value column) {
    return e.remIndex(e.add(first, e.divIndex(column, kTileCols)), parts);
  }
  /// Parts that have been written when the products of another begin.
  int64_t getAhead() const { return parts - 1; }

  /// Copies the tokens, as there may be no memory behind them.
  void emitCopy() {
    // More tokens than there is room for are multiplied elsewhere.
    Value fit =
        e.compare(arith::CmpIPredicate::ule, tokens, e.index(kTileTokens));
    e.forEach(e.index(0), e.select(fit, tokens, e.index(0)), [&](Value token) {
      e.forEach(e.index(0), e.index(products), [&](Value i) {
        Value column = e.mulIndex(i, kTileCols);
        Value bytes = vector::LoadOp::create(
            builder, loc, e.bytesType(kVectorBytes), operands.activations,
            ValueRange{token, column});
        vector::StoreOp::create(builder, loc, bytes, x,
                                ValueRange{token, column});
      });
    });
  }

  /// Writes the forms of the columns from `column` on of the row tile at byte
  /// `tile` to a part of the panel, where those of `place`, modulo 64, go.
  void emitPiece(Value tile, Value column, Value part, Value place) {
    // Padding of the activations is zero; past the last step anything will do.
    bool ends = steps * geometry.stepCols < columns;
    Value step = e.divIndex(column, geometry.stepCols);
    Value quad = e.divIndex(e.remIndex(place, kTileCols), kQuad);
    for (int64_t i = 0; i < pieceCols / geometry.stepCols; ++i) {
      Value at = e.addIndex(step, i);
      if (ends)
        at = e.min(at, e.index(steps - 1));
      Value byte = e.add(tile, e.mulIndex(at, geometry.stepBytes));
      if (operands.prefetch != 0)
        emitPrefetch(tile, at);
      format.emitForms(
          builder, loc, e.loadStep(operands.bytes, byte, geometry.stepBytes),
          [&](int64_t q, int64_t form, Value bytes) {
            int64_t row =
                form * kTileQuads + i * (geometry.stepCols / kQuad) + q;
            vector::StoreOp::create(
                builder, loc, bytes, panel,
                ValueRange{part, e.addIndex(quad, row), e.index(0)});
          });
    }
  }

  /// Asks for the lines of step `at` of the row tile behind `tile`, for the
  /// second cache: at four places of it in turns, as a sequence of its own in
  /// each makes memory faster (12 % of a product).
  void emitPrefetch(Value tile, Value at) {
    constexpr int64_t places = 4;
    int64_t lines = geometry.stepBytes / kVectorBytes;
    int64_t placeBytes = steps * lines / places * kVectorBytes;
    for (int64_t i = 0; i < lines; ++i) {
      Value line = e.addIndex(e.mulIndex(at, lines), i);
      Value place = e.remIndex(line, places), within = e.divIndex(line, places);
      e.prefetch(operands.bytes,
                 e.add(tile, e.add(e.mulIndex(place, placeBytes),
                                   e.mulIndex(within, kVectorBytes))),
                 getTileBytes(), TileEmitter::Cache::Second);
    }
  }

  void emitProduct() {
    OpFoldResult zero = builder.getIndexAttr(0);
    Value view = slice(x, {zero, zero}, kTileTokens, columns);
    emitTileDot(view, panel, first, sums, pieceCols, [&](Value column) {
      Value ahead = e.addIndex(column, getAhead() * kTileCols);
      Value part = getPart(ahead);
      Value isThis =
          e.compare(arith::CmpIPredicate::ult, ahead, e.index(columns));
      Value wrapped = e.sub(ahead, e.index(columns));
      emitPiece(e.select(isThis, here, following),
                e.select(isThis, ahead, wrapped), part, column);
    });
  }

  /// Makes products of the sums of one token.
  void emitFinish(Value token) {
    SmallVector<Value> acc;
    for (int64_t form = 0; form < forms; ++form)
      acc.push_back(
          vector::LoadOp::create(builder, loc, e.lanesType(kLanes), sums,
                                 ValueRange{token, e.index(form * kLanes)}));
    Value sum = e.broadcastSum(operands.sums, token, kLanes);
    for (auto [group, value] :
         llvm::enumerate(format.emitGroups(builder, loc, acc, sum)))
      sink.store(token, e.index(group * kLanes), value);
  }

  /// Forms of a quad; matrix tiles of columns in the ring; columns of a piece.
  const int64_t forms, parts, pieceCols;
  /// Buffers: forms of some columns, sums of all tokens, copied tokens.
  Value panel, sums, x;
  /// Tokens; the first part of this row tile; where this row tile is and the
  /// next one, or this one again.
  Value tokens, first, here, following;
};

} // namespace

void bitnetc::emitTokenTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands,
                            const ProductSink &sink, scf::ForOp tiles) {
  Emitter(builder, loc, format, operands, sink, tiles).emit();
}

bool bitnetc::hasTokenTile(const PackingFormat &format) {
  return format.getForms() <= kMaxForms &&
         kTileCols % format.getGeometry().stepCols == 0;
}
