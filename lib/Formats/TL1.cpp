//===- TL1.cpp - Pairs of weights as indices into tables ------------------===//
//
// A nibble is the index of two weights into a table of the nine sums that the
// pair's two activations can give (`ternary.build_lut`); no multiplication is
// left. The tables hold int16 sums as separate low and high bytes, because a
// byte lookup returns bytes; interleaving them gives the sums back.
//
// Exactness: with activations in -128..127 an entry is within +-256, a step
// adds two, so kFlush = 60 steps stay within +-30720 < 2^15; then the int16
// sums are added to int32 ones.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Formats.h"
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

namespace {

constexpr int64_t kRows = 32, kStepCols = 4, kStepBytes = 32;
/// Table bytes of one step: two pairs, low and high bytes of 16 entries each.
constexpr int64_t kTableBytes = 64;
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
    int64_t steps = (columns + kStepCols - 1) / kStepCols;
    for (int64_t byte = 0; byte < steps * kStepBytes; ++byte) {
      const int8_t *row = weights + byte % kRows * columns;
      int64_t first = byte / kStepBytes * kStepCols;
      auto at = [&](int64_t i) -> int8_t {
        return first + i < columns ? row[first + i] : 0;
      };
      out[byte] = pairIndex(at(0), at(1)) | pairIndex(at(2), at(3)) << 4;
    }
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    for (int64_t row = 0; row < kRows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        int byte = bytes[column / kStepCols * kStepBytes + row];
        int pair = column % 4 < 2 ? byte & 15 : byte >> 4;
        out[row * columns + column] =
            (column % 2 == 0 ? pair / 3 : pair % 3) - 1;
      }
  }

  int64_t getAccumulators() const override { return 1; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // Per 64 bytes: 6 operations to get indices, per token 8 lookups or table
    // loads, 8 interleavings and 8 additions per 64 bytes of registers.
    double operations = 6 + 24.0 * tokens;
    double registers = 64.0 / std::min<int64_t>(target.vectorBytes, kStepBytes);
    return registers * operations / target.lookupLoopRate;
  }

  void emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                const TileOperands &operands) const override;
};

/// Emits a tile; a vector per token and stream of each kind.
class Emitter : TileEmitter {
public:
  Emitter(OpBuilder &builder, Location loc, const TileOperands &operands)
      : TileEmitter(builder, loc), operands(operands),
        vectors(2 * operands.rows * operands.tileOffsets.size()),
        shortsType(VectorType::get({16}, builder.getI16Type())) {
    // Within each block of 16 bytes, as vpunpcklbw and vpunpckhbw or zip1 and
    // zip2 do: low sums are of rows 0-7 and 16-23, high ones of the others.
    for (int64_t row : {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23})
      for (int64_t byte : {row, row + 32}) {
        interleaveLow.push_back(byte);
        interleaveHigh.push_back(byte + 8);
      }
  }

  void emit() {
    int64_t steps = (operands.columns + kStepCols - 1) / kStepCols;
    int64_t whole = steps / kFlush * kFlush;
    SmallVector<Value> sums(vectors, splat(lanesType(16), 0));
    sums = loop(0, whole, kFlush, sums,
                [&](Value first, MutableArrayRef<Value> state) {
                  addSteps(first, kFlush, state);
                });
    if (whole != steps)
      addSteps(index(whole), steps - whole, sums);
    for (int64_t token = 0, i = 0; token < operands.rows; ++token)
      for (Value products : operands.products) {
        Value low = sums[i++], high = sums[i++];
        SmallVector<int64_t> first = {0,  1,  2,  3,  4,  5,  6,  7,
                                      16, 17, 18, 19, 20, 21, 22, 23};
        SmallVector<int64_t> second;
        for (int64_t lane : first)
          second.push_back(lane + 8);
        storeLanes(shuffle(low, high, first), products, token, 0);
        storeLanes(shuffle(low, high, second), products, token, 16);
      }
  }

private:
  /// Adds `count` <= kFlush steps to the int32 sums.
  void addSteps(Value first, int64_t count, MutableArrayRef<Value> sums) {
    SmallVector<Value> shorts(vectors, splat(shortsType, 0));
    shorts = loop(0, count, 1, shorts,
                  [&](Value step, MutableArrayRef<Value> state) {
                    addStep(add(first, step), state);
                  });
    for (auto [sum, part] : llvm::zip(sums, shorts))
      sum = add(sum, arith::ExtSIOp::create(builder, loc, lanesType(16), part));
  }

  void addStep(Value step, MutableArrayRef<Value> shorts) {
    auto times = [&](int64_t size) -> Value {
      return arith::MulIOp::create(builder, loc, step, index(size));
    };
    Value byte = times(kStepBytes), table = times(kTableBytes);
    SmallVector<std::pair<Value, Value>> indices; // of each stream
    for (Value tileOffset : operands.tileOffsets) {
      Value offset = add(tileOffset, byte);
      if (operands.prefetch != 0)
        prefetch(operands.bytes, offset, operands.prefetch);
      Value bytes = loadBytes(operands.bytes, offset, kStepBytes);
      indices.push_back({andBytes(bytes, 15), shiftBytesRight(bytes, 4)});
    }
    for (int64_t token = 0, i = 0; token < operands.rows; ++token) {
      Value tables[4];
      for (int64_t t = 0; t < 4; ++t)
        tables[t] =
            loadRowBytes(operands.tables, token, addIndex(table, 16 * t), 16);
      for (auto [firstPair, secondPair] : indices) {
        addPair(tables[0], tables[1], firstPair, shorts[i], shorts[i + 1]);
        addPair(tables[2], tables[3], secondPair, shorts[i], shorts[i + 1]);
        i += 2;
      }
    }
  }

  void addPair(Value lowTable, Value highTable, Value indices, Value &low,
               Value &high) {
    Value lowBytes = lookup(lowTable, indices);
    Value highBytes = lookup(highTable, indices);
    auto shorts = [&](ArrayRef<int64_t> interleave) -> Value {
      return vector::BitCastOp::create(
          builder, loc, shortsType, shuffle(lowBytes, highBytes, interleave));
    };
    low = add(low, shorts(interleaveLow));
    high = add(high, shorts(interleaveHigh));
  }

  Value lookup(Value table, Value indices) {
    return ternary::ByteLookupOp::create(builder, loc, indices.getType(), table,
                                         indices);
  }

  const TileOperands &operands;
  const int64_t vectors;
  const VectorType shortsType;
  SmallVector<int64_t> interleaveLow, interleaveHigh;
};

} // namespace

void TL1::emitTile(OpBuilder &builder, Location loc, const TargetInfo &target,
                   const TileOperands &operands) const {
  Emitter(builder, loc, operands).emit();
}

const PackingFormat &bitnetc::getTL1() {
  static const TL1 format;
  return format;
}
