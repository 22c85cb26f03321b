//===- TL2.cpp - Three rows in 5 bits, decoded by lookup ------------------===//
//
// A code of 5 bits is the base-3 number of the codes c = w + 1 of three rows,
// 16 rows apart; a table of constants turns it into g = c0 + 4 c1 + 16 c2. As
// in formats of 2 bits, no code is extracted from g where dot products take
// bytes up to 42: those of g and of its prefixes g & 15 and g & 3 have exact
// differences. Eight codes of 5 bits are in five bytes: five in their lower
// bits, three cut in two or three pieces, each of which comes into place by one
// shift of words.
//
// |sum of g * a| <= 42 * 128 * K < 2^31 for K < 390000.
//
// Where a dot product is several instructions, the codes are masked out, and
// pairs are added in 16 bits: two steps of 8 * (2 * 8 * 128) are 2^15.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"
#include "Formats.h"

using namespace mlir;
using namespace bitnetc;

namespace {

constexpr int64_t kRows = 3, kCodes = 8, kVectors = 5;

/// Where the bits of code 5, 6 or 7 are: `count` bits of it from bit `to` on
/// are those of vector `vector` from bit `from` on.
struct Piece {
  int64_t code, vector, from, to, count;
};
constexpr Piece kPieces[] = {{5, 0, 5, 0, 3}, {5, 1, 6, 3, 2}, {6, 2, 5, 0, 3},
                             {6, 3, 6, 3, 2}, {7, 4, 5, 0, 3}, {7, 1, 5, 3, 1},
                             {7, 3, 5, 4, 1}};

class TL2 : public PackingFormat {
public:
  ternary::PackingFormatInterface getAttr(MLIRContext *context) const override {
    return ternary::TL2Attr::get(context);
  }
  StringRef getName() const override { return "tl2"; }
  Geometry getGeometry() const override {
    return Geometry::of<ternary::TL2Attr>();
  }

  void packTile(const int8_t *weights, int64_t columns,
                uint8_t *out) const override {
    forEachLane(columns, [&](int64_t byte, int64_t lane, int64_t column) {
      int codes[kCodes];
      for (int64_t code = 0; code < kCodes; ++code) {
        codes[code] = 0;
        for (int64_t f = kRows - 1; f >= 0; --f) {
          int64_t k = column + 4 * code;
          int8_t w = k < columns ? weights[(16 * f + lane) * columns + k] : 0;
          codes[code] = 3 * codes[code] + w + 1;
        }
      }
      for (int64_t vector = 0; vector < kVectors; ++vector)
        out[byte + kVectorBytes * vector] = codes[vector];
      for (const Piece &p : kPieces)
        out[byte + kVectorBytes * p.vector] |=
            (codes[p.code] >> p.to & ((1 << p.count) - 1)) << p.from;
    });
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    forEachLane(columns, [&](int64_t byte, int64_t lane, int64_t column) {
      int codes[kCodes] = {};
      for (int64_t vector = 0; vector < kVectors; ++vector)
        codes[vector] = bytes[byte + kVectorBytes * vector] & 31;
      for (const Piece &p : kPieces)
        codes[p.code] |= (bytes[byte + kVectorBytes * p.vector] >> p.from &
                          ((1 << p.count) - 1))
                         << p.to;
      for (int64_t code = 0; code < kCodes; ++code)
        for (int64_t f = 0, k = column + 4 * code; f < kRows && k < columns;
             ++f, codes[code] /= 3)
          out[(16 * f + lane) * columns + k] = codes[code] % 3 - 1;
    });
  }

  /// Besides sums, decoded forms take registers.
  int64_t getAccumulators() const override { return kRows + 1; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // Of five vectors: 11 operations to put three codes together, 8 lookups and
    // 2 prefixes of each, or one shift and 3 masks.
    bool pairs = target.pairInstructions != 0;
    double others = 11 + 8 * (target.wideLookupInstructions + (pairs ? 4 : 2));
    return target.getDotLoopCycles(others / kVectors,
                                   kRows * 8.0 / kVectors * tokens, pairs);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    // As above, two shifts and three masks of each code; stores.
    double others = 11 + kCodes * (target.wideLookupInstructions + 5.0);
    return (others / target.dotLoopRate + kCodes * kRows) / kVectors;
  }
  void emitDecode(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                  UseCodes use) const override {
    TileEmitter e(builder, loc);
    for (auto [quad, index] : llvm::enumerate(getIndices(e, vectors))) {
      Value fields = lookup(e, index);
      use(quad, 0, e.andBytes(fields, 3));
      use(quad, 1, e.andBytes(e.shiftWordsRight(fields, 2), 3));
      use(quad, 2, e.andBytes(e.shiftWordsRight(fields, 4), 3));
    }
  }

  void emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                const TileOperands &operands) const override {
    bool shorts = target.pairInstructions != 0;
    // For a single token, two accumulators take turns: their latency is longer
    // than the decoding between them.
    int64_t turns = operands.rows == 1 && !shorts ? 2 : 1;
    auto step = [&](TileEmitter &e, ArrayRef<Value> vectors,
                    const StepActivations &activations,
                    MutableArrayRef<Value> acc) {
      SmallVector<Value> indices = getIndices(e, vectors);
      for (int64_t quad = 0; quad < activations.quads; ++quad) {
        Value g = lookup(e, indices[quad]);
        for (int64_t token = 0; token < activations.tokens; ++token) {
          Value a = activations.get(quad, token);
          auto sums = acc.slice(kRows * (turns * token + quad % turns), kRows);
          if (shorts)
            addCodes(e, g, a, sums);
          else
            addPrefixes(e, g, a, sums);
        }
      }
    };
    auto finish = [&](TileEmitter &e, ArrayRef<Value> acc, Value sum) {
      SmallVector<Value> sums(acc.take_front(kRows)), rows;
      for (int64_t i = kRows; i < kRows * turns; ++i)
        sums[i % kRows] = e.add(sums[i % kRows], acc[i]);
      for (int64_t f = 0; f < kRows; ++f) {
        Value code = sums[f];
        if (f != 0 && !shorts)
          code = e.shiftLanesRight(e.sub(code, sums[f - 1]), 2 * f);
        else if (f == 1)
          code = e.shiftLanesRight(code, 2);
        rows.push_back(e.sub(code, sum));
      }
      return rows;
    };
    // The five vectors, a code, its prefixes, activations, a table, two masks.
    emitDotTile(builder, loc, target, operands, getGeometry(),
                {kRows * turns, kRows * turns, 11, step, finish,
                 shorts ? getShortSteps(getGeometry(), 8) : 0});
  }

private:
  static void addPrefixes(TileEmitter &e, Value g, Value a,
                          MutableArrayRef<Value> acc) {
    acc[2] = e.dot4(acc[2], g, a, 42);
    acc[1] = e.dot4(acc[1], e.andBytes(g, 15), a, 10);
    acc[0] = e.dot4(acc[0], e.andBytes(g, 3), a, 2);
  }
  static void addCodes(TileEmitter &e, Value g, Value a,
                       MutableArrayRef<Value> acc) {
    acc[2] = e.dot2(acc[2], e.andBytes(e.shiftWordsRight(g, 4), 3), a, 2);
    acc[1] = e.dot2(acc[1], e.andBytes(g, 12), a, 8);
    acc[0] = e.dot2(acc[0], e.andBytes(g, 3), a, 2);
  }

  /// The codes' bytes modulo 32.
  static SmallVector<Value> getIndices(TileEmitter &e,
                                       ArrayRef<Value> vectors) {
    SmallVector<Value> indices(vectors);
    indices.resize(kCodes);
    for (const Piece &p : kPieces) {
      // 16-bit words are shifted: wrong bits come from neighbours, outside of
      // the piece.
      Value shifted = e.shiftWordsRight(vectors[p.vector], p.from - p.to);
      Value &index = indices[p.code];
      index = index ? e.selectBits((1 << p.to) - 1, index, shifted) : shifted;
    }
    return indices;
  }

  /// c0 + 4 c1 + 16 c2 of a code.
  static Value lookup(TileEmitter &e, Value index) {
    SmallVector<uint8_t> table(32);
    for (int64_t i = 0; i < 27; ++i)
      table[i] = i % 3 + 4 * (i / 3 % 3) + 16 * (i / 9);
    return e.lookup(e.constantBytes(table), index);
  }

  /// Every lane and column of a quad in the first vector of every step of a
  /// tile: its byte, lane and first column.
  template <typename Fn> static void forEachLane(int64_t columns, Fn fn) {
    int64_t steps = (columns + 31) / 32;
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t i = 0; i < kVectorBytes; ++i)
        fn(step * kVectors * kVectorBytes + i, i / 4, 32 * step + i % 4);
  }
};

} // namespace

const PackingFormat &bitnetc::getTL2() {
  static const TL2 format;
  return format;
}
