//===- PanelTile.cpp - The loop of matrix-tile products -------------------===//
//
// Two groups of 16 rows of the row tile (or three) multiply 32 tokens: two
// token tiles and two weight tiles give four products for four loads, and the
// sums stay in tile registers over all columns. An odd group goes with the
// first two.
//
// Weights become tiles just in time. They are read as codes of two bits, four
// groups in a byte; a mask for each group leaves its codes where they are,
// times a power of four, which the sums are divided by. The masked bytes of
// four times 64 columns, the panel, stay in the first cache: what a product has
// read makes room for the columns that follow, of this product or the next one.
// (A panel of all columns would be decoded once for all tokens, but it lives in
// the second cache, where writing it and reading it again costs more.)
//
// A format that stores codes of two bits is used as it is. The row tiles of
// others are rewritten in such codes, the next one beside the products of this
// one.
//
// Beside all products stands what else there is to do: the sums of the product
// before are finished, a token for each 64 columns, and a share of the next row
// tile is asked for or rewritten.
//
// Where tokens are not a multiple of 32, the last tiles are those of the last
// 16 tokens, some of which are there already: they get the same results again.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "MatrixTile.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Tokens of one product.
constexpr int64_t kTokens = 2 * kTileTokens;
/// Matrix tiles of columns in a panel: so few that they stay in the first
/// cache, whatever else goes through it (twice as many take 3 to 6 % longer).
constexpr int64_t kParts = 4;

class Emitter : MatrixTile {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands, const ProductSink &sink,
          scf::ForOp tiles)
      : MatrixTile(builder, loc, format, operands, sink, tiles),
        groups(cast<MemRefType>(operands.products[0].getType()).getDimSize(1) /
               kLanes),
        passes(std::max<int64_t>(groups / 2, 1)),
        parts(std::min(products, kParts)),
        codeQuads(std::max(columns, steps * geometry.stepCols) / kQuad),
        isPlain(format.storesCodes()) {}

  void emit() {
    tokens = e.getTokens(operands);
    blocks = arith::CeilDivUIOp::create(builder, loc, tokens, e.index(kTokens));
    Value number = e.index(0), parity = number; // of tiles before
    following = e.addIndex(operands.tileOffsets[0], getTileBytes());
    OpBuilder outside(builder);
    if (tiles) {
      outside.setInsertionPoint(tiles);
      number = e.sub(tiles.getInductionVar(), tiles.getLowerBound());
      parity = e.remIndex(number, 2);
      Value next = e.addIndex(tiles.getInductionVar(), 1);
      hasNext =
          e.compare(arith::CmpIPredicate::ult, next, tiles.getUpperBound());
    }
    panel = allocate(outside, {parts, getCount(0) * kTileQuads, kVectorBytes},
                     builder.getI8Type());
    sums = allocate(outside, {2 * kTokens, getCount(0) * kLanes},
                    builder.getI32Type());
    if (isPlain) {
      here = operands.tileOffsets[0];
      there = following;
    } else {
      codes = allocate(outside,
                       {(tiles ? 2 : 1) * passes * codeQuads, kVectorBytes},
                       builder.getI8Type());
      here = e.mulIndex(parity, passes * codeQuads);
      there = e.sub(e.index(passes * codeQuads), here);
    }
    Value perTile = e.mulIndex(blocks, passes * products);
    share =
        arith::CeilDivUIOp::create(builder, loc, e.index(getShares()), perTile);
    before = arith::MulIOp::create(builder, loc, number, perTile);

    // The tile before has prepared this one.
    auto prepare = [&] {
      if (!isPlain)
        e.forEach(e.index(0), e.index(steps), [&](Value step) {
          emitRewrite(operands.tileOffsets[0], step, here);
        });
      Value first = getFirstPart(e.index(0));
      e.forEach(e.index(0), e.index(parts), [&](Value i) {
        emitDecode({here, e.mulIndex(i, kTileQuads)},
                   e.remIndex(e.add(first, i), parts), 0);
      });
    };
    if (tiles)
      e.ifHolds(e.compare(arith::CmpIPredicate::eq, number, e.index(0)),
                prepare);
    else
      prepare();
    e.forEach(e.index(0), blocks, [&](Value block) {
      for (int64_t pass = 0; pass < passes; ++pass)
        emitTokens(block, pass);
    });
    Value last = e.sub(blocks, e.index(1));
    Value row = getSumsRow(last, passes - 1);
    e.forEach(e.index(0), e.index(kTokens),
              [&](Value i) { emitFinish(last, passes - 1, row, i); });
  }

private:
  /// The groups of a pass: two, and an odd one with the first two.
  int64_t getCount(int64_t pass) const {
    return pass == 0 ? groups - 2 * (passes - 1) : 2;
  }
  int64_t getFirst(int64_t pass) const {
    return pass == 0 ? 0 : groups - 2 * (passes - pass);
  }
  /// Where the codes of group `i` of a pass are in their byte: rewriting packs
  /// the groups of a pass, the last one lowest.
  int64_t getShift(int64_t pass, int64_t i) const {
    return 2 * (isPlain ? getFirst(pass) + i : getCount(pass) - 1 - i);
  }
  /// What the products of a tile share out: lines to ask for, or steps, counted
  /// as if all columns had some.
  int64_t getShares() const {
    return isPlain ? llvm::divideCeil(getTileBytes(), kVectorBytes)
                   : llvm::divideCeil(columns, geometry.stepCols);
  }

  /// Which product of the tile this is, of all its tokens and passes.
  Value getNumber(Value block, int64_t pass) {
    return e.addIndex(e.mulIndex(block, passes), pass);
  }
  /// Where its sums wait: products take turns with two buffers.
  Value getSumsRow(Value block, int64_t pass) {
    return e.mulIndex(e.remIndex(getNumber(block, pass), 2), kTokens);
  }
  /// The first token of one of the two tiles of a block.
  Value getToken(Value block, int64_t tile) {
    return e.min(e.addIndex(e.mulIndex(block, kTokens), tile * kTileTokens),
                 e.sub(tokens, e.index(kTileTokens)));
  }

  /// Rewrites a step of the row tile at byte `tile` to rows of `codes` from
  /// `base` on.
  void emitRewrite(Value tile, Value step, Value base) {
    Value byte = e.add(tile, e.mulIndex(step, geometry.stepBytes));
    if (operands.prefetch != 0)
      for (int64_t line = 0; line < geometry.stepBytes; line += kVectorBytes)
        e.prefetch(operands.bytes, byte, getTileBytes() + line,
                   TileEmitter::Cache::Second);
    Value row = e.add(base, e.mulIndex(step, geometry.stepCols / kQuad));
    SmallVector<SmallVector<Value>> decoded(geometry.stepCols / kQuad,
                                            SmallVector<Value>(groups));
    format.emitDecode(builder, loc,
                      e.loadStep(operands.bytes, byte, geometry.stepBytes),
                      [&](int64_t quad, int64_t group, Value codes) {
                        if (group < groups)
                          decoded[quad][group] = codes;
                      });
    for (auto [quad, fields] : llvm::enumerate(decoded))
      for (int64_t pass = 0; pass < passes; ++pass) {
        int64_t first = getFirst(pass);
        Value packed = fields[first];
        for (int64_t i = 1; i < getCount(pass); ++i) {
          Value twice = e.add(packed, packed);
          packed = e.add(e.add(twice, twice), fields[first + i]);
        }
        vector::StoreOp::create(
            builder, loc, packed, codes,
            ValueRange{e.addIndex(row, pass * codeQuads + quad), e.index(0)});
      }
  }

  /// What is decoded: the columns of 16 quads from `quad` on, of the row tile
  /// at `base`.
  struct Source {
    Value base, quad;
  };
  Source select(Value condition, Source a, Source b) {
    return {e.select(condition, a.base, b.base),
            e.select(condition, a.quad, b.quad)};
  }

  /// Writes the codes of `source` in the groups of `pass`, or with a condition
  /// that does not hold those of `other`, to part `part` of the panel.
  void emitDecode(Source source, Value part, int64_t pass,
                  Value condition = nullptr, int64_t other = 0) {
    int64_t count = getCount(pass);
    SmallVector<Value> masks;
    for (int64_t i = 0; i < count; ++i) {
      auto getMask = [&](int64_t pass) {
        int64_t mask = (kMaxCode + 1) << getShift(pass, i);
        return arith::ConstantOp::create(builder, loc,
                                         builder.getI8IntegerAttr(int8_t(mask)))
            .getResult();
      };
      Value mask = getMask(pass);
      if (condition)
        mask = e.select(condition, mask, getMask(other));
      masks.push_back(vector::BroadcastOp::create(
          builder, loc, e.bytesType(kVectorBytes), mask));
    }
    // Padding of the activations is zero; past the last step anything will do.
    bool ends = isPlain && steps * geometry.stepCols < columns;
    if (!ends)
      source.base = e.add(source.base,
                          e.mulIndex(source.quad, isPlain ? kVectorBytes : 1));
    for (int64_t i = 0; i < kTileQuads; ++i) {
      Value bytes;
      if (isPlain)
        bytes = e.loadBytes(operands.bytes,
                            ends ? getByte(source, i)
                                 : e.addIndex(source.base, i * kVectorBytes),
                            kVectorBytes);
      else
        bytes = vector::LoadOp::create(
            builder, loc, e.bytesType(kVectorBytes), codes,
            ValueRange{e.addIndex(source.base, pass * codeQuads + i),
                       e.index(0)});
      for (int64_t g = 0; g < count; ++g)
        vector::StoreOp::create(
            builder, loc,
            arith::AndIOp::create(builder, loc, bytes, masks[g]).getResult(),
            panel, ValueRange{part, e.index(g * kTileQuads + i), e.index(0)});
    }
  }
  /// The bytes of quad `i`, or of the last one there is.
  Value getByte(Source source, int64_t i) {
    Value quad = e.min(e.addIndex(source.quad, i), e.index(steps - 1));
    return e.add(source.base, e.mulIndex(quad, kVectorBytes));
  }

  /// One pass of one block of tokens, and what stands beside it.
  void emitTokens(Value block, int64_t pass) {
    Value number = getNumber(block, pass);
    Value isFirst = e.compare(arith::CmpIPredicate::eq, block, e.index(0));
    int64_t earlier = (pass + passes - 1) % passes;
    Value blockBefore = pass == 0 ? e.sub(block, e.index(1)) : block;
    Value rowBefore = e.sub(e.index(kTokens), getSumsRow(block, pass));
    Value rowsBefore = pass == 0
                           ? e.select(isFirst, e.index(0), e.index(kTokens))
                           : e.index(kTokens);
    // What is decoded after the columns of this product.
    int64_t later = (pass + 1) % passes;
    Value nextBase = here;
    if (later == 0 && hasNext) {
      Value isLast =
          e.compare(arith::CmpIPredicate::eq, e.addIndex(block, 1), blocks);
      nextBase = e.select(arith::AndIOp::create(builder, loc, isLast, hasNext),
                          there, here);
    }
    // Tokens for each 64 columns.
    int64_t rate = llvm::divideCeil(kTokens, products);
    auto forRows = [&](Value column, Value count,
                       function_ref<void(Value)> body) {
      Value first = e.mulIndex(e.divIndex(column, kTileCols), rate);
      e.forEach(e.min(first, count), e.min(e.addIndex(first, rate), count),
                body);
    };

    Value first = getFirstPart(number);
    emitProduct(block, pass, first, [&](Value column) {
      emitShare(number, column);
      Value part =
          e.remIndex(e.add(first, e.divIndex(column, kTileCols)), parts);
      Value isThis = e.compare(arith::CmpIPredicate::ult, column,
                               e.index(columns - parts * kTileCols));
      Value ahead = e.addIndex(e.divIndex(column, kQuad), parts * kTileQuads);
      Source now = {here, ahead},
             then = {nextBase, e.sub(ahead, e.index(columns / kQuad))};
      // One code for both where only masks differ.
      if (later == pass || (isPlain && getCount(pass) == getCount(later)))
        emitDecode(select(isThis, now, then), part, pass,
                   later == pass ? Value() : isThis, later);
      else
        e.ifHolds(
            isThis, [&] { emitDecode(now, part, pass); },
            [&] { emitDecode(then, part, later); });
      if (sink.prefetch)
        forRows(column, e.index(kTokens), [&](Value i) {
          for (int64_t g = 0; g < getCount(pass); ++g)
            sink.prefetch(getRowToken(block, i),
                          e.index((getFirst(pass) + g) * kLanes));
        });
      forRows(column, rowsBefore,
              [&](Value i) { emitFinish(blockBefore, earlier, rowBefore, i); });
    });
  }

  /// The part of the panel that product `number` of this tile starts with.
  Value getFirstPart(Value number) {
    if (products % parts == 0)
      return e.index(0);
    return e.remIndex(e.add(before, e.mulIndex(number, products)), parts);
  }

  /// Prepares the share of the next row tile that belongs to the columns from
  /// `column` on of product `number`. Lines that are asked for follow each
  /// other, so that a prefetcher runs ahead and few of them wait for memory in
  /// the first cache, where matrix tiles wait for the second. (In the first
  /// cache they would be gone before they are decoded.)
  void emitShare(Value number, Value column) {
    if (isPlain ? operands.prefetch == 0 : !tiles)
      return;
    Value place =
        e.add(e.mulIndex(number, products), e.divIndex(column, kTileCols));
    Value first = arith::MulIOp::create(builder, loc, place, share);
    Value end = e.add(first, share);
    if (isPlain) // what is beyond the end does no harm
      return e.forEach(first, end, [&](Value line) {
        e.prefetch(operands.bytes,
                   e.add(following, e.mulIndex(line, kVectorBytes)), 0,
                   TileEmitter::Cache::Second);
      });
    // The next row tile's first parts are decoded behind the last columns of
    // this one, each after their share: its steps are there by then, as a panel
    // has no more columns than a product.
    Value most = e.select(hasNext, e.index(steps), e.index(0));
    e.forEach(e.min(first, most), e.min(end, most),
              [&](Value step) { emitRewrite(following, step, there); });
  }

  /// The tile products of a block of tokens with the groups of `pass`.
  void emitProduct(Value block, int64_t pass, Value part,
                   function_ref<void(Value)> beside) {
    OpFoldResult zero = builder.getIndexAttr(0);
    SmallVector<Value> x;
    for (int64_t tile = 0; tile < kTokens / kTileTokens; ++tile)
      x.push_back(slice(operands.activations, {getToken(block, tile), zero},
                        kTileTokens, columns));
    Value out = slice(sums, {getSumsRow(block, pass), zero}, kTokens,
                      getCount(pass) * kLanes);
    emitTileDot(x, panel, part, out, kTileCols, beside);
  }

  /// The token of row `i` of a block.
  Value getRowToken(Value block, Value i) {
    Value upper = e.sub(getToken(block, 1), e.index(kTileTokens));
    Value isUpper =
        e.compare(arith::CmpIPredicate::uge, i, e.index(kTileTokens));
    return e.add(e.select(isUpper, upper, getToken(block, 0)), i);
  }

  /// Makes products of the sums in row `i` of those from `row` on, of a token
  /// of `block` with the groups of `pass`. Codes are weights plus one, so sums
  /// are too large by the sum of the activations.
  void emitFinish(Value block, int64_t pass, Value row, Value i) {
    Value token = getRowToken(block, i);
    Value sum = e.broadcastSum(operands.sums, token, kLanes);
    for (int64_t g = 0; g < getCount(pass); ++g) {
      int64_t group = getFirst(pass) + g;
      Value value = vector::LoadOp::create(
          builder, loc, e.lanesType(kLanes), sums,
          ValueRange{e.add(row, i), e.index(g * kLanes)});
      if (int64_t shift = getShift(pass, g))
        value = e.shiftLanesRight(value, shift);
      value = e.sub(value, sum);
      Value lane = e.index(group * kLanes);
      sink.store(token, lane, value);
    }
  }

  /// Groups of rows, passes over two of them; matrix tiles of columns in a
  /// panel; quads of columns in the rewritten codes of a row tile.
  const int64_t groups, passes, parts, codeQuads;
  /// The format stores codes of two bits.
  const bool isPlain;
  /// Tokens, and blocks of 32 of them.
  Value tokens, blocks;
  /// Buffers: masked codes of some columns; sums of 32 tokens twice; rewritten
  /// codes of this row tile and the next one.
  Value panel, sums, codes;
  /// Where the codes of this row tile and the next one are, bytes or rows of
  /// `codes`; the next one's first byte, and whether there is one.
  Value here, there, following, hasNext;
  /// How much of the next row tile 64 columns of a product prepare; matrix
  /// tiles of columns in all products of the tiles before.
  Value share, before;
};

} // namespace

void bitnetc::emitPanelTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands,
                            const ProductSink &sink, scf::ForOp tiles) {
  Emitter(builder, loc, format, operands, sink, tiles).emit();
}
