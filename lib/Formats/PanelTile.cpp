//===- PanelTile.cpp - The loop of matrix-tile products -------------------===//
//
// Two groups of 16 rows of the row tile (or three) are decoded, over all
// columns, into a panel in the second cache, then multiplied by all tokens, 32
// at a time: two token tiles and two weight tiles give four products for four
// loads, and the sums stay in tile registers until they are whole. An odd group
// goes with the first two. (Panels of fewer columns fit the first cache, but
// their sums have to be stored and loaded between blocks of columns, which
// costs more than the second cache: a matrix unit hides the latter's latency.)
//
// While the last tokens are multiplied, the next two groups are decoded over
// the panel, right behind the products that read it, in the time that the
// matrix unit leaves to the other units. Beside all products stands what else
// there is to do: the sums of the 32 tokens before are finished, a token for
// each 64 columns, and packed bytes of the next row tile are asked for.
//
// Tokens beyond a multiple of 32 come first, 16 at a time and, to have as many
// sums in work, both halves of the columns at once. What is left of them are
// the last 16 tokens once more, the first of which are not kept.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace mlir;
using namespace bitnetc;

namespace {

/// Tokens and columns of a matrix tile.
constexpr int64_t kTileTokens = 16, kTileCols = 64;
/// Tokens of one product.
constexpr int64_t kTokens = 2 * kTileTokens;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands, scf::ForOp tiles, const PanelSink *sink)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands), tiles(tiles),
        sink(sink),
        groups(cast<MemRefType>(operands.products[0].getType()).getDimSize(1) /
               kLanes),
        passes(std::max<int64_t>(groups / 2, 1)),
        steps(geometry.getSteps(operands.columns)),
        tileSteps(kTileCols % geometry.stepCols == 0
                      ? kTileCols / geometry.stepCols
                      : 0),
        columns(ternary::getPaddedColumns(operands.columns)),
        halves(columns % (2 * kTileCols) == 0 ? 2 : 1) {}

  void emit() {
    tokens = memref::DimOp::create(builder, loc, operands.activations, 0);
    rest = rem(tokens, kTokens);
    tail = rem(tokens, kTileTokens);
    even = e.sub(tokens, rest);
    last = e.sub(even, e.index(kTokens));
    OpBuilder outside(builder);
    if (tiles)
      outside.setInsertionPoint(tiles);
    auto allocate = [&](int64_t rows, int64_t columns, Type type) -> Value {
      return memref::AllocaOp::create(outside, loc,
                                      MemRefType::get({rows, columns}, type),
                                      builder.getI64IntegerAttr(kVectorBytes));
    };
    int64_t decoded = std::max(columns, steps * geometry.stepCols);
    panel = allocate(decoded / kQuad, getCount(0) * kVectorBytes,
                     builder.getI8Type());
    sums = allocate(2 * kTokens + halves * kTileTokens, getCount(0) * kLanes,
                    builder.getI32Type());
    Value products = e.mulIndex(div(even, kTokens), passes);
    // The next tile follows this one in memory.
    int64_t lines = llvm::divideCeil(steps * geometry.stepBytes, kVectorBytes);
    share = arith::CeilDivUIOp::create(
        builder, loc, e.index(lines),
        arith::MaxUIOp::create(builder, loc,
                               e.mulIndex(products, columns / kTileCols),
                               e.index(1)));
    following = e.addIndex(operands.tileOffsets[0], steps * geometry.stepBytes);

    // The tile before has decoded the first panel of this one.
    auto decode = [&] {
      emitDecode(operands.tileOffsets[0], 0, 0, steps, /*first=*/true);
    };
    if (tiles) {
      Value tile = tiles.getInductionVar();
      ifReaches(tiles.getLowerBound(), tile, decode);
      hasNext =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                e.addIndex(tile, 1), tiles.getUpperBound());
    } else {
      decode();
    }
    for (int64_t pass = 0; pass < passes; ++pass)
      emitPass(pass);
    ifReaches(even, e.index(1), [&] {
      Value row = getSumsRow(e.index(passes - 1), last);
      forEach(e.index(0), e.index(kTokens), 1, [&](Value i) {
        emitFinish(e.add(last, i), e.add(row, i), getLane(passes - 1),
                   e.index(getCount(passes - 1)));
      });
    });
  }

private:
  /// What is decoded beside the last tokens: the first `steps` steps of a pass
  /// of the tile at byte `tile`; where there is a condition, if it holds.
  struct Next {
    Value tile;
    int64_t pass = 0, steps = 0;
    Value condition;
  };

  Value div(Value a, int64_t b) {
    return arith::DivUIOp::create(builder, loc, a, e.index(b));
  }
  Value rem(Value a, int64_t b) {
    return arith::RemUIOp::create(builder, loc, a, e.index(b));
  }
  Value min(Value a, Value b) {
    return arith::MinUIOp::create(builder, loc, a, b);
  }
  Value select(Value condition, int64_t a, int64_t b) {
    return a == b ? e.index(a)
                  : arith::SelectOp::create(builder, loc, condition, e.index(a),
                                            e.index(b))
                        .getResult();
  }

  /// A loop; `body` emits one iteration.
  void forEach(Value begin, Value end, int64_t step,
               function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(builder, loc, begin, end, e.index(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
  /// `then` where a >= b, else `otherwise`.
  void ifReaches(Value a, Value b, function_ref<void()> then,
                 function_ref<void()> otherwise = nullptr) {
    Value condition =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, a, b);
    auto branch = scf::IfOp::create(builder, loc, condition,
                                    /*withElseRegion=*/bool(otherwise));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    then();
    if (!otherwise)
      return;
    builder.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }
  void ifHolds(Value condition, function_ref<void()> then) {
    if (!condition)
      return then();
    auto branch = scf::IfOp::create(builder, loc, condition,
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    then();
  }
  Value slice(Value memref, ArrayRef<OpFoldResult> offsets, int64_t rows,
              int64_t columns) {
    OpFoldResult one = builder.getIndexAttr(1);
    return memref::SubViewOp::create(
        builder, loc, memref, offsets,
        {builder.getIndexAttr(rows), builder.getIndexAttr(columns)},
        {one, one});
  }

  /// The groups of a pass: two, and an odd one with the first two.
  int64_t getCount(int64_t pass) const {
    return pass == 0 ? groups - 2 * (passes - 1) : 2;
  }
  int64_t getFirst(int64_t pass) const {
    return pass == 0 ? 0 : groups - 2 * (passes - pass);
  }
  /// The rows of the tile that they start with.
  Value getLane(int64_t pass) { return e.index(getFirst(pass) * kLanes); }

  Value getByte(Value tile, Value step) {
    return e.add(tile, e.mulIndex(step, geometry.stepBytes));
  }

  /// Which product of the tile this is, of all its tokens and passes.
  Value getNumber(Value pass, Value token) {
    return e.add(arith::MulIOp::create(builder, loc, pass, div(even, kTokens)),
                 div(token, kTokens));
  }
  /// Where its sums wait: products take turns with two buffers.
  Value getSumsRow(Value pass, Value token) {
    return e.mulIndex(rem(getNumber(pass, token), 2), kTokens);
  }

  /// Decodes the step whose packed bytes start at `byte` to the rows of `panel`
  /// from `row` on, for the groups of `pass`.
  void emitStep(Value byte, Value panel, Value row, int64_t pass) {
    e.decodeStep(format, e.loadStep(operands.bytes, byte, geometry.stepBytes),
                 panel, row, getFirst(pass), getCount(pass));
  }

  /// Decodes the steps from `begin` to `end` of the tile at byte `tile`. What
  /// padding decodes to meets activations that are zero.
  void emitDecode(Value tile, int64_t pass, int64_t begin, int64_t end,
                  bool first = false) {
    if (begin < end)
      forEach(e.index(begin), e.index(end), 1, [&](Value step) {
        Value byte = getByte(tile, step);
        if (operands.prefetch != 0 && first)
          e.prefetchStep(operands.bytes, byte, geometry.stepBytes,
                         operands.prefetch);
        emitStep(byte, panel, e.mulIndex(step, geometry.stepCols / kQuad),
                 pass);
      });
  }

  /// The groups of one panel by all tokens.
  void emitPass(int64_t pass) {
    ifReaches(rest, e.index(kTileTokens),
              [&] { emitRest(even, e.index(0), pass); });
    ifReaches(tail, e.index(1), [&] {
      emitRest(e.sub(tokens, e.index(kTileTokens)),
               e.sub(e.index(kTileTokens), tail), pass);
    });
    Next next;
    if (pass + 1 < passes)
      next = {operands.tileOffsets[0], pass + 1, steps, nullptr};
    else if (tiles)
      next = {following, 0, steps, hasNext};
    int64_t end = next.steps;
    next.steps = tileSteps ? end / tileSteps * tileSteps : 0;
    auto decode = [&](int64_t begin, int64_t end) {
      ifHolds(next.condition,
              [&] { emitDecode(next.tile, next.pass, begin, end); });
    };
    auto products = [&] {
      forEach(e.index(0), last, kTokens,
              [&](Value token) { emitTokens(token, pass, Next()); });
      emitTokens(last, pass, next);
    };
    if (next.steps == 0)
      ifReaches(even, e.index(1), products);
    else
      ifReaches(even, e.index(1), products, [&] { decode(0, next.steps); });
    if (next.steps < end)
      decode(next.steps, end);
  }

  /// 16 tokens; the first of them that is kept is number `begin`.
  void emitRest(Value token, Value begin, int64_t pass) {
    Value row = e.index(2 * kTokens);
    emitProduct(token, row, kTileTokens, pass, halves);
    forEach(begin, e.index(kTileTokens), 1, [&](Value i) {
      emitFinish(e.add(token, i), e.add(row, i), getLane(pass),
                 e.index(getCount(pass)), halves);
    });
  }

  /// Asks for the share of the next tile's lines that belongs to the columns
  /// from `column` on of product `number`. Lines follow each other, so that a
  /// prefetcher runs ahead and few of them wait for memory in the first cache,
  /// where matrix tiles wait for the second. (In the first cache they would be
  /// gone before they are decoded.)
  void prefetchShare(Value number, Value column) {
    Value end =
        e.index(llvm::alignTo(steps * geometry.stepBytes, kVectorBytes));
    Value place =
        e.add(e.mulIndex(number, columns / kTileCols), div(column, kTileCols));
    Value size = e.mulIndex(share, kVectorBytes);
    Value first = arith::MulIOp::create(builder, loc, place, size);
    forEach(min(first, end), min(e.add(first, size), end), kVectorBytes,
            [&](Value byte) {
              e.prefetch(operands.bytes, e.add(following, byte), 0,
                         TileEmitter::Cache::Second);
            });
  }

  /// 32 tokens, and beside them what `next` says.
  void emitTokens(Value token, int64_t pass, const Next &next) {
    Value number = getNumber(e.index(pass), token);
    Value row = getSumsRow(e.index(pass), token);
    // The sums that are finished beside this product are those of the tokens
    // before, or of the last tokens and the pass before.
    Value isFirst = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, token, e.index(0));
    int64_t earlier = std::max<int64_t>(pass - 1, 0);
    Value token0 = arith::SelectOp::create(builder, loc, isFirst, last,
                                           e.sub(token, e.index(kTokens)));
    Value row0 = e.sub(e.index(kTokens), row);
    Value lane0 =
        select(isFirst, getFirst(earlier) * kLanes, getFirst(pass) * kLanes);
    Value count0 = select(isFirst, getCount(earlier), getCount(pass));
    Value rows0 = pass == 0 ? select(isFirst, 0, kTokens) : e.index(kTokens);
    // Tokens for each 64 columns.
    int64_t rate = llvm::divideCeil(kTokens, columns / kTileCols);
    auto forRows = [&](Value column, Value count,
                       function_ref<void(Value)> body) {
      Value first = e.mulIndex(div(column, kTileCols), rate);
      forEach(min(first, count), min(e.addIndex(first, rate), count), 1, body);
    };

    emitProduct(token, row, kTokens, pass, /*halves=*/1, [&](Value column) {
      if (operands.prefetch != 0)
        prefetchShare(number, column);
      if (sink && sink->prefetch)
        forRows(column, e.index(kTokens), [&](Value i) {
          for (int64_t g = 0; g < getCount(pass); ++g)
            sink->prefetch(e.add(token, i),
                           e.addIndex(getLane(pass), g * kLanes));
        });
      forRows(column, rows0, [&](Value i) {
        emitFinish(e.add(token0, i), e.add(row0, i), lane0, count0);
      });
      if (next.steps == 0)
        return;
      auto decode = [&] {
        Value byte = getByte(next.tile, div(column, geometry.stepCols));
        Value rows =
            slice(panel, {div(column, kQuad), builder.getIndexAttr(0)},
                  kTileCols / kQuad, getCount(next.pass) * kVectorBytes);
        for (int64_t i = 0; i < tileSteps; ++i)
          emitStep(e.addIndex(byte, i * geometry.stepBytes), rows,
                   e.index(i * geometry.stepCols / kQuad), next.pass);
      };
      ifHolds(next.condition, [&] {
        if (next.steps * geometry.stepCols >= columns)
          decode();
        else
          ifReaches(e.index(next.steps * geometry.stepCols - kTileCols), column,
                    decode);
      });
    });
  }

  /// The tile product of the tokens from `token` on with the groups of `pass`,
  /// into the rows of `sums` from `row` on: those of the first of the `halves`
  /// of the columns, then those of the second.
  void emitProduct(Value token, Value row, int64_t rows, int64_t pass,
                   int64_t halves, function_ref<void(Value)> beside = nullptr) {
    OpFoldResult zero = builder.getIndexAttr(0);
    Value x = slice(operands.activations, {token, zero}, rows, columns);
    Value weights = slice(panel, {zero, zero}, columns / kQuad,
                          getCount(pass) * kVectorBytes);
    Value out =
        slice(sums, {row, zero}, halves * rows, getCount(pass) * kLanes);
    auto product = ternary::TileDotOp::create(builder, loc, x, weights, out);
    if (!beside)
      return;
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&product.getBeside(), {},
                                       {builder.getIndexType()}, {loc});
    builder.setInsertionPointToStart(block);
    beside(block->getArgument(0));
  }

  /// Codes are weights plus one, so sums are too large by the sum of the
  /// activations. Corrects those of token `m` in row `from` of `sums` (and of
  /// the second half of the columns 16 rows below): `count` groups of rows,
  /// which start with row `lane` of the tile.
  void emitFinish(Value m, Value from, Value lane, Value count,
                  int64_t halves = 1) {
    Value sum = e.broadcastSum(operands.sums, m, kLanes);
    auto finish = [&](Value offset) {
      auto load = [&](Value row) -> Value {
        return vector::LoadOp::create(builder, loc, e.lanesType(kLanes), sums,
                                      ValueRange{row, offset});
      };
      Value value = load(from);
      if (halves == 2)
        value = e.add(value, load(e.addIndex(from, kTileTokens)));
      value = e.sub(value, sum);
      Value row = e.add(lane, offset);
      if (sink)
        sink->store(m, row, value);
      else
        vector::StoreOp::create(builder, loc, value, operands.products[0],
                                ValueRange{m, row});
    };
    std::optional<int64_t> known = getConstantIntValue(count);
    if (!known)
      return forEach(e.index(0), e.mulIndex(count, kLanes), kLanes, finish);
    for (int64_t group = 0; group < *known; ++group)
      finish(e.index(group * kLanes));
  }
  TileEmitter e;
  OpBuilder &builder;
  Location loc;
  const PackingFormat &format;
  const Geometry geometry;
  const TileOperands &operands;
  scf::ForOp tiles;
  const PanelSink *sink;
  /// Groups of rows, passes over two of them; steps with packed bytes; those of
  /// a matrix tile's columns, 0 if they are not whole; columns with padding.
  const int64_t groups, passes, steps, tileSteps, columns;
  /// How many parts of the columns 16 tokens multiply side by side.
  const int64_t halves;
  /// Tokens: all, those beyond a multiple of 32 and of 16, the multiple of 32,
  /// the first of its last 32.
  Value tokens, rest, tail, even, last;
  /// Buffers: decoded weights; sums of 32 tokens twice, and of 16. Lines of
  /// the next tile that 64 columns of a product ask for; its first byte, and
  /// whether there is one.
  Value panel, sums, share, following, hasNext;
};

} // namespace

void bitnetc::emitPanelTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands, scf::ForOp tiles,
                            const PanelSink *sink) {
  Emitter(builder, loc, format, operands, tiles, sink).emit();
}
