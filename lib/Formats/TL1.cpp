//===- TL1.cpp - Pairs of weights as indices into tables ------------------===//
//
// A nibble is the index of two weights into a table of the nine sums that the
// pair's two activations can give; no multiplication is left. The tables hold
// int16 sums as separate low and high bytes, because a byte lookup returns
// bytes; interleaving them gives the sums back.
//
// Exactness: with activations in -128..127 an entry is within +-256, a step
// adds two, so kFlush = 60 steps stay within +-30720 < 2^15; then the int16
// sums are added to int32 ones.
//
// Several tokens need a table each, and a lookup serves only one; there the
// pairs are decoded, by two lookups of constants, for dot products.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"
#include "Formats.h"
#include "LookupTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Pairs and bytes of one table: low and high bytes of 16 entries.
constexpr int64_t kPair = 2, kTableBytes = 32;
/// Steps between additions of int16 sums to int32 sums.
constexpr int64_t kFlush = 60;

int pairIndex(int8_t first, int8_t second) {
  return 3 * (first + 1) + second + 1;
}

class TL1 : public PackingFormat {
public:
  ternary::PackingFormatInterface getAttr(MLIRContext *context) const override {
    return ternary::TL1Attr::get(context);
  }
  StringRef getName() const override { return "tl1"; }
  Geometry getGeometry() const override {
    return Geometry::of<ternary::TL1Attr>();
  }

  void packTile(const int8_t *weights, int64_t columns,
                uint8_t *out) const override {
    forEachByte(columns, [&](int64_t byte, int64_t row, int64_t column) {
      auto at = [&](int64_t i) -> int8_t {
        return column + i < columns ? weights[row * columns + column + i] : 0;
      };
      out[byte] = pairIndex(at(0), at(1)) | pairIndex(at(2), at(3)) << 4;
    });
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    forEachByte(columns, [&](int64_t byte, int64_t row, int64_t column) {
      for (int64_t i = 0; i < 4 && column + i < columns; ++i) {
        int pair = i < 2 ? bytes[byte] & 15 : bytes[byte] >> 4;
        out[row * columns + column + i] =
            (i % 2 == 0 ? pair / 3 : pair % 3) - 1;
      }
    });
  }

  /// Besides sums, decoded forms take registers.
  int64_t getAccumulators() const override { return 5; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // 3 operations to get indices; one token has 4 lookups, 4 interleavings and
    // 4 additions, several have 4 lookups and 8 interleavings for all of them.
    if (tokens == 1)
      return 64.0 / target.vectorBytes * (3 + 12) / target.lookupLoopRate;
    return target.getDotLoopCycles(3 + 12, 4.0 * tokens,
                                   target.pairInstructions != 0);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    return 15 / target.lookupLoopRate + 4; // as above; stores
  }
  void emitDecode(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                  UseCodes use) const override {
    TileEmitter e(builder, loc);
    SmallVector<uint8_t> firsts(16), seconds(16);
    for (int64_t i = 0; i < 9; ++i) {
      firsts[i] = i / 3;
      seconds[i] = i % 3;
    }
    Value first = e.constantBytes(firsts), second = e.constantBytes(seconds);
    Value pairs[2][2]; // columns 0 and 1, 2 and 3; lower, upper half of a block
    auto indices = getIndices(e, vectors.front());
    for (int64_t i = 0; i < 2; ++i) {
      Value a = e.lookup(first, indices[i]), b = e.lookup(second, indices[i]);
      for (bool upper : {false, true})
        pairs[i][upper] = e.interleave(a, b, 1, upper);
    }
    for (int64_t group = 0; group < 4; ++group)
      use(0, group,
          e.interleave(pairs[0][group / 2], pairs[1][group / 2], 2, group % 2));
  }

  void emitTables(OpBuilder &builder, Location loc, Value activations,
                  int64_t columns, Value token, Value tables) const override {
    TileEmitter e(builder, loc);
    SmallVector<int16_t> factors[2] = {SmallVector<int16_t>(16),
                                       SmallVector<int16_t>(16)};
    for (int64_t i = 0; i < 9; ++i) {
      factors[0][i] = i / 3 - 1;
      factors[1][i] = i % 3 - 1;
    }
    // Low bytes of all entries, then high bytes.
    SmallVector<int64_t> planes;
    for (int64_t byte : {0, 1})
      for (int64_t i = 0; i < 16; ++i)
        planes.push_back(2 * i + byte);
    e.loop(0, columns, kPair, {}, [&](Value column, MutableArrayRef<Value>) {
      Value entries = e.tableOfSums(activations, token, column, factors);
      Value bytes = e.bitcast(entries, e.bytesType(kTableBytes));
      e.storeRow(e.shuffle(bytes, bytes, planes), tables, token,
                 e.mulIndex(column, kTableBytes / kPair));
    });
  }

  void emitLookupTile(OpBuilder &builder, Location loc,
                      const TargetInfo &target,
                      const TileOperands &operands) const override {
    auto step = [&](TileEmitter &e, ArrayRef<Value> vectors,
                    function_ref<Value(int64_t, int64_t)> table,
                    MutableArrayRef<Value> acc) {
      for (auto [pair, indices] :
           llvm::enumerate(getIndices(e, vectors.front()))) {
        Value low = e.lookup(table(kTableBytes * pair, 16), indices);
        Value high = e.lookup(table(kTableBytes * pair + 16, 16), indices);
        for (bool upper : {false, true})
          acc[upper] =
              e.add(acc[upper], e.bitcast(e.interleave(low, high, 1, upper),
                                          cast<VectorType>(acc[0].getType())));
      }
    };
    bitnetc::emitLookupTile(builder, loc, target, operands, getGeometry(),
                            ternary::TL1Attr::getStepTableBytes(),
                            {2, kFlush, step});
  }

private:
  /// Indices, modulo 16, of the first and of the second pair of columns.
  static SmallVector<Value> getIndices(TileEmitter &e, Value bytes) {
    return {bytes, e.shiftBytesRight(bytes, 4)};
  }

  /// Every byte of a tile with its row and first column.
  template <typename Fn> static void forEachByte(int64_t columns, Fn fn) {
    int64_t steps = (columns + 3) / 4;
    for (int64_t byte = 0; byte < steps * 64; ++byte) {
      int64_t block = byte % 64 / 16, i = byte % 16;
      fn(byte, 16 * (i / 4) + 4 * block + i % 4, byte / 64 * 4);
    }
  }
};

} // namespace

const PackingFormat &bitnetc::getTL1() {
  static const TL1 format;
  return format;
}
