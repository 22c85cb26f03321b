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

  int64_t getAccumulators() const override { return 4; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // Three masks; where a dot product is several instructions it takes no full
    // bytes, and the top codes are shifted down and masked.
    return target.getDotLoopCycles(target.dotInstructions > 1 ? 5 : 3,
                                   4.0 * tokens);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    return 7 / target.dotLoopRate + 4; // shifts and masks, a store each cycle
  }
  bool hasDecode() const override { return true; }
  SmallVector<Value> emitDecode(OpBuilder &builder, Location loc,
                                Value bytes) const override {
    TileEmitter e(builder, loc);
    SmallVector<Value> groups;
    for (int64_t f = 0; f < 4; ++f)
      groups.push_back(
          e.andBytes(f ? e.shiftBytesRight(bytes, 2 * f) : bytes, 3));
    return groups;
  }

  void emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                const TileOperands &operands) const override {
    // 0xaa & 0x3f and so on: the largest bytes of codes up to 2.
    constexpr int64_t kMax[] = {170, 42, 10, 2};
    bool raw = target.dotMax == 255;
    auto step = [&](TileEmitter &e, Value bytes, ArrayRef<Value> activations,
                    MutableArrayRef<Value> acc) {
      // A target whose dot product takes bytes up to 127 gets the top code
      // shifted down instead of the whole byte.
      Value forms[] = {raw ? bytes : e.shiftBytesRight(bytes, 6),
                       e.andBytes(bytes, 0x3f), e.andBytes(bytes, 0x0f),
                       e.andBytes(bytes, 0x03)};
      for (auto [token, a] : llvm::enumerate(activations))
        for (int64_t i = 0; i < 4; ++i)
          acc[4 * token + i] = e.dot4(acc[4 * token + i], forms[i], a,
                                      i == 0 && !raw ? kMax[3] : kMax[i]);
    };
    auto finish = [&](TileEmitter &e, ArrayRef<Value> acc, Value sum) {
      SmallVector<Value> rows = {e.sub(acc[3], sum)};
      for (int64_t f = 1; f < 4; ++f) {
        Value code = acc[0];
        if (f < 3 || raw)
          code = e.shiftLanesRight(e.sub(acc[3 - f], acc[4 - f]), 2 * f);
        rows.push_back(e.sub(code, sum));
      }
      return rows;
    };
    // Bytes, a masked form, activations, three masks, ones of vpmaddwd.
    emitDotTile(builder, loc, target, operands, {4, 16, 7, step, finish});
  }

private:
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
