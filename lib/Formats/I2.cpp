//===- I2.cpp - Two bits per weight for dot products ----------------------===//
//
// A byte holds the codes c = w + 1 of four rows, 16 rows apart. No code is
// ever extracted: the dot products of the byte and of its prefixes,
//
//   A0 = sum of b * a          = S0 + 4 S1 + 16 S2 + 64 S3
//   A1 = sum of (b & 0x3f) * a = S0 + 4 S1 + 16 S2
//   A2 = sum of (b & 0x0f) * a = S0 + 4 S1
//   A3 = sum of (b & 0x03) * a = S0
//
// have exact differences, S_f = sum of c_f * a over the columns, and the
// weights' product is S_f - sum(a). Three ANDs decode 256 weights; the usual
// shift and mask needs seven operations.
//
// |A0| <= 170 * 128 * K < 2^31 for K < 98000.
//
// Where a dot product is several instructions, the codes are masked out, in
// place where they are 4 at most times two (0, 4, 8), and pairs are added in 16
// bits: 16 steps of 2 * 8 * 128 are 2^15.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"
#include "Formats.h"

using namespace mlir;
using namespace bitnetc;

namespace {

class I2 : public PackingFormat {
public:
  ternary::PackingFormatInterface getAttr(MLIRContext *context) const override {
    return ternary::I2Attr::get(context);
  }
  StringRef getName() const override { return "i2"; }
  Geometry getGeometry() const override {
    return Geometry::of<ternary::I2Attr>();
  }

  void packTile(const int8_t *weights, int64_t columns,
                uint8_t *out) const override {
    forEachByte(columns, [&](int64_t byte, int64_t lane, int64_t column) {
      out[byte] = 0;
      for (int64_t f = 0; f < 4; ++f) {
        int8_t w =
            column < columns ? weights[(16 * f + lane) * columns + column] : 0;
        out[byte] |= (w + 1) << (2 * f);
      }
    });
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    forEachByte(columns, [&](int64_t byte, int64_t lane, int64_t column) {
      for (int64_t f = 0; f < 4 && column < columns; ++f)
        out[(16 * f + lane) * columns + column] =
            int8_t(bytes[byte] >> (2 * f) & 3) - 1;
    });
  }

  bool storesCodes() const override { return true; }
  int64_t getAccumulators() const override { return 4; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // Three masks; in pairs a shift and four.
    return target.getDotLoopCycles(target.pairInstructions ? 5 : 3,
                                   4.0 * tokens, target.pairInstructions != 0);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    return 7 / target.dotLoopRate + 4; // shifts and masks, a store each cycle
  }
  void emitDecode(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                  UseCodes use) const override {
    TileEmitter e(builder, loc);
    Value bytes = vectors.front();
    for (int64_t f = 0; f < 4; ++f)
      use(0, f, e.andBytes(f ? e.shiftBytesRight(bytes, 2 * f) : bytes, 3));
  }

  void emitForms(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                 UseCodes use) const override {
    TileEmitter e(builder, loc);
    for (auto [i, form] :
         llvm::enumerate(getPrefixes(e, vectors.front(), /*raw=*/true)))
      use(0, i, form);
  }
  SmallVector<Value> emitGroups(OpBuilder &builder, Location loc,
                                ArrayRef<Value> sums,
                                Value sum) const override {
    TileEmitter e(builder, loc);
    return getRows(e, sums, sum, /*raw=*/true);
  }

  void emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                const TileOperands &operands) const override {
    // In pairs, bytes must be small: codes where they are, 0, 4 and 8 at most.
    // 0xaa & 0x3f and so on: the largest bytes of codes up to 2.
    bool shorts = target.pairInstructions != 0;
    bool raw = target.dotMax == 255;
    const int64_t prefixes[] = {raw ? 170 : 2, 42, 10, 2};
    const int64_t codes[] = {8, 2, 8, 2};
    auto step = [&](TileEmitter &e, ArrayRef<Value> vectors,
                    const StepActivations &activations,
                    MutableArrayRef<Value> acc) {
      SmallVector<Value> forms = shorts ? getCodes(e, vectors.front())
                                        : getPrefixes(e, vectors.front(), raw);
      for (int64_t token = 0; token < activations.tokens; ++token) {
        Value a = activations.get(0, token);
        for (int64_t i = 0; i < 4; ++i) {
          Value &sum = acc[4 * token + i];
          sum = shorts ? e.dot2(sum, forms[i], a, codes[i])
                       : e.dot4(sum, forms[i], a, prefixes[i]);
        }
      }
    };
    auto finish = [&](TileEmitter &e, ArrayRef<Value> acc, Value sum) {
      return shorts ? getCodeRows(e, acc, sum) : getRows(e, acc, sum, raw);
    };
    // Bytes, a masked form, activations, three masks, ones of vpmaddwd.
    emitDotTile(
        builder, loc, target, operands, getGeometry(),
        {4, 16, 7, step, finish, shorts ? getShortSteps(getGeometry(), 8) : 0});
  }

private:
  /// A target whose dot product takes bytes up to 127 gets the top code shifted
  /// down instead of the whole byte.
  static SmallVector<Value> getPrefixes(TileEmitter &e, Value bytes, bool raw) {
    return {raw ? bytes : e.shiftBytesRight(bytes, 6), e.andBytes(bytes, 0x3f),
            e.andBytes(bytes, 0x0f), e.andBytes(bytes, 0x03)};
  }
  static SmallVector<Value> getRows(TileEmitter &e, ArrayRef<Value> acc,
                                    Value sum, bool raw) {
    SmallVector<Value> rows = {e.sub(acc[3], sum)};
    for (int64_t f = 1; f < 4; ++f) {
      Value code = acc[3 - f];
      if (f < 3 || raw)
        code = e.shiftLanesRight(e.sub(code, acc[4 - f]), 2 * f);
      rows.push_back(e.sub(code, sum));
    }
    return rows;
  }
  /// Codes of the rows from the last to the first, every other one times 4.
  static SmallVector<Value> getCodes(TileEmitter &e, Value bytes) {
    Value upper = e.shiftWordsRight(bytes, 4);
    return {e.andBytes(upper, 0x0c), e.andBytes(upper, 0x03),
            e.andBytes(bytes, 0x0c), e.andBytes(bytes, 0x03)};
  }

  static SmallVector<Value> getCodeRows(TileEmitter &e, ArrayRef<Value> acc,
                                        Value sum) {
    SmallVector<Value> rows;
    for (int64_t f = 0; f < 4; ++f) {
      Value code = acc[3 - f];
      rows.push_back(e.sub(f % 2 ? e.shiftLanesRight(code, 2) : code, sum));
    }
    return rows;
  }

  /// Every byte of a tile with its lane and column.
  template <typename Fn> static void forEachByte(int64_t columns, Fn fn) {
    int64_t steps = (columns + 3) / 4;
    for (int64_t byte = 0; byte < steps * 64; ++byte)
      fn(byte, byte % 64 / 4, byte / 64 * 4 + byte % 4);
  }
};

} // namespace

const PackingFormat &bitnetc::getI2() {
  static const I2 format;
  return format;
}
