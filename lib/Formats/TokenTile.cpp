//===- TokenTile.cpp - Products of a few tokens in matrix tiles -----------===//
//
// All forms of a row tile multiply one tile of 16 tokens, some of which may be
// missing: whatever stands in their rows. So a row tile is read and made into
// forms once for all tokens.
//
// Tokens are copied in front of all row tiles, as there may be no memory behind
// them. Forms stay in a ring in the first cache: while the products of 64
// columns read one part of it, the part two further on is written, a few
// vectors between two products. (All of them behind the products take half as
// long again: what the core can look ahead is less than that.)
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Tokens and columns of a matrix tile; quads of its columns.
constexpr int64_t kTileTokens = 16, kTileCols = 64,
                  kTileQuads = kTileCols / kQuad;
/// Parts of the ring: read, waiting, written.
constexpr int64_t kParts = 3;
/// Matrix tiles of sums: of eight, tokens and weights take two.
constexpr int64_t kMaxForms = 6;
/// Columns written between two products.
constexpr int64_t kPieceCols = 16;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands, scf::ForOp tiles, const PanelSink *sink)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands), tiles(tiles),
        sink(sink), forms(format.getForms()),
        steps(geometry.getSteps(operands.columns)),
        columns(ternary::getPaddedColumns(operands.columns)),
        products(columns / kTileCols), parts(std::min(products + 1, kParts)),
        pieceCols(std::max(kPieceCols, geometry.stepCols)) {}

  void emit() {
    OpBuilder::InsertPoint inside = builder.saveInsertionPoint();
    if (tiles)
      builder.setInsertionPoint(tiles);
    auto allocate = [&](ArrayRef<int64_t> shape, Type type) -> Value {
      return memref::AllocaOp::create(builder, loc,
                                      MemRefType::get(shape, type),
                                      builder.getI64IntegerAttr(kVectorBytes));
    };
    panel = allocate({parts, forms * kTileQuads, kVectorBytes},
                     builder.getI8Type());
    sums = allocate({kTileTokens, forms * kLanes}, builder.getI32Type());
    // A line more, or rows a power of two apart would share places in the
    // cache.
    x = allocate({kTileTokens, columns + kVectorBytes}, builder.getI8Type());
    Value zero = e.index(0);
    tokens = memref::DimOp::create(builder, loc, operands.activations, 0);
    emitCopy();
    Value number = zero;
    here = operands.tileOffsets[0];
    if (tiles) {
      builder.restoreInsertionPoint(inside);
      number = e.sub(tiles.getInductionVar(), tiles.getLowerBound());
      Value next = e.addIndex(tiles.getInductionVar(), 1);
      Value hasNext = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ult, next, tiles.getUpperBound());
      following = select(hasNext, e.addIndex(here, getTileBytes()), here);
    } else {
      following = here;
    }
    first = rem(e.mulIndex(number, products));
    // The tile before has prepared this one.
    Value isFirst = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, number, zero);
    auto branch = scf::IfOp::create(builder, loc, isFirst,
                                    /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      e.forEach(
          zero, e.index(getAhead() * kTileCols / pieceCols), [&](Value i) {
            Value column = e.mulIndex(i, pieceCols);
            emitPiece(here, column, rem(e.add(first, div(column))), column);
          });
    }
    emitProduct();
    e.forEach(zero, tokens, [&](Value token) { emitFinish(token); });
  }

private:
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
  Value rem(Value part) {
    return arith::RemUIOp::create(builder, loc, part, e.index(parts));
  }
  Value div(Value column) {
    return arith::DivUIOp::create(builder, loc, column, e.index(kTileCols));
  }
  int64_t getTileBytes() const { return steps * geometry.stepBytes; }
  /// Parts that have been written when the products of another begin.
  int64_t getAhead() const { return parts - 1; }

  /// Copies the tokens, as there may be no memory behind them.
  void emitCopy() {
    // More tokens than there is room for are multiplied elsewhere.
    Value fit = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule,
                                      tokens, e.index(kTileTokens));
    e.forEach(e.index(0), select(fit, tokens, e.index(0)), [&](Value token) {
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
    Value step = arith::DivUIOp::create(builder, loc, column,
                                        e.index(geometry.stepCols));
    Value quad =
        arith::RemUIOp::create(builder, loc, place, e.index(kTileCols));
    quad = arith::DivUIOp::create(builder, loc, quad, e.index(kQuad));
    for (int64_t i = 0; i < pieceCols / geometry.stepCols; ++i) {
      Value at = e.addIndex(step, i);
      if (ends)
        at = arith::MinUIOp::create(builder, loc, at, e.index(steps - 1));
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
      Value place = arith::RemUIOp::create(builder, loc, line, e.index(places));
      Value within =
          arith::DivUIOp::create(builder, loc, line, e.index(places));
      e.prefetch(operands.bytes,
                 e.add(tile, e.add(e.mulIndex(place, placeBytes),
                                   e.mulIndex(within, kVectorBytes))),
                 getTileBytes(), TileEmitter::Cache::Second);
    }
  }

  void emitProduct() {
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    Value view = memref::SubViewOp::create(
        builder, loc, x, ArrayRef<OpFoldResult>{zero, zero},
        {builder.getIndexAttr(kTileTokens), builder.getIndexAttr(columns)},
        {one, one});
    auto product = ternary::TileDotOp::create(builder, loc, ValueRange{view},
                                              panel, first, sums, pieceCols);
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&product.getBeside(), {},
                                      {builder.getIndexType()}, {loc});
    builder.setInsertionPointToStart(body);
    Value column = body->getArgument(0);
    Value ahead = e.addIndex(column, getAhead() * kTileCols);
    Value part = rem(e.add(first, div(ahead)));
    Value isThis = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ult, ahead, e.index(columns));
    Value wrapped = e.sub(ahead, e.index(columns));
    emitPiece(select(isThis, here, following), select(isThis, ahead, wrapped),
              part, column);
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
         llvm::enumerate(format.emitGroups(builder, loc, acc, sum))) {
      Value row = e.index(group * kLanes);
      if (sink)
        sink->store(token, row, value);
      else
        vector::StoreOp::create(builder, loc, value, operands.products[0],
                                ValueRange{token, row});
    }
  }

  TileEmitter e;
  OpBuilder &builder;
  Location loc;
  const PackingFormat &format;
  const Geometry geometry;
  const TileOperands &operands;
  scf::ForOp tiles;
  const PanelSink *sink;
  /// Forms of a quad; steps with packed bytes; columns with padding, matrix
  /// tiles of them, and in the ring; columns of a piece.
  const int64_t forms, steps, columns, products, parts, pieceCols;
  /// Buffers: forms of some columns, sums of all tokens, tokens with zeros.
  Value panel, sums, x;
  /// Tokens; the first part of this row tile; where this row tile is and the
  /// next one, or this one again.
  Value tokens, first, here, following;
};

} // namespace

void bitnetc::emitTokenTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands, scf::ForOp tiles,
                            const PanelSink *sink) {
  Emitter(builder, loc, format, operands, tiles, sink).emit();
}

int64_t bitnetc::getLeastTileTokens(const PackingFormat &format,
                                    const TargetInfo &target) {
  if (format.getForms() > kMaxForms ||
      kTileCols % format.getGeometry().stepCols != 0)
    return target.tileTokens;
  int64_t tokens = target.leastTileTokens;
  while (tokens < target.tileTokens &&
         format.getCyclesPer64Bytes(target, tokens) < target.tokenTileCycles)
    ++tokens;
  return tokens;
}
