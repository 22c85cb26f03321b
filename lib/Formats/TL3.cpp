//===- TL3.cpp - Three weights as an index into tables of words -----------===//
//
// Five bits are the index of three weights, neighbours in a row, into a table
// of the 27 sums that their three activations can give, as int16: a lookup of
// words returns exact sums, and neither multiplications nor interleavings are
// left. A 16-bit word holds three rows' indices, so that one table serves all
// three. A lookup takes its index modulo 32: two shifts decode 96 x 3 weights.
//
// Exactness: with activations in -128..127 an entry is within +-384, a step
// adds four, so kFlush = 21 steps stay within +-32256 < 2^15; then the int16
// sums are added to int32 ones.
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

/// Columns of an index, rows' indices in a word, vectors of a step.
constexpr int64_t kTrio = 3, kFields = 3, kVectors = 4;
constexpr int64_t kStepCols = kTrio * kVectors, kTableBytes = 64;
/// Steps between additions of int16 sums to int32 sums.
constexpr int64_t kFlush = 21;

/// Weight + 1 of column `i` of three whose index this is.
int getCode(int64_t index, int64_t i) {
  return (i == 0 ? index / 9 : i == 1 ? index / 3 : index) % 3;
}

class TL3 : public PackingFormat {
public:
  ternary::PackingFormatInterface getAttr(MLIRContext *context) const override {
    return ternary::TL3Attr::get(context);
  }
  StringRef getName() const override { return "tl3"; }
  Geometry getGeometry() const override {
    return Geometry::of<ternary::TL3Attr>();
  }

  void packTile(const int8_t *weights, int64_t columns,
                uint8_t *out) const override {
    forEachWord(columns, [&](int64_t byte, int64_t row, int64_t column) {
      unsigned word = 0;
      for (int64_t field = 0; field < kFields; ++field) {
        const int8_t *w = weights + (32 * field + row) * columns;
        unsigned index = 0;
        for (int64_t k = column; k < column + kTrio; ++k)
          index = 3 * index + (k < columns ? w[k] : 0) + 1;
        word |= index << (5 * field);
      }
      out[byte] = word & 255;
      out[byte + 1] = word >> 8;
    });
  }
  void unpackTile(const uint8_t *bytes, int64_t columns,
                  int8_t *out) const override {
    forEachWord(columns, [&](int64_t byte, int64_t row, int64_t column) {
      unsigned word = bytes[byte] | bytes[byte + 1] << 8;
      for (int64_t field = 0; field < kFields; ++field)
        for (int64_t i = 0; i < kTrio && column + i < columns; ++i)
          out[(32 * field + row) * columns + column + i] =
              getCode(word >> (5 * field) & 31, i) - 1;
    });
  }

  std::optional<std::string>
  getUnsupportedReason(const TargetInfo &target) const override {
    if (target.wordLookup)
      return std::nullopt;
    return "needs lookups of 16-bit words in tables of 32 (AVX-512BW)";
  }
  /// Besides sums, activations of a step stay in registers, used by all fields.
  int64_t getAccumulators() const override { return 2 * kFields + 3; }
  double getCyclesPer64Bytes(const TargetInfo &target,
                             int64_t tokens) const override {
    // One token: two shifts, three lookups, three additions. Several: per field
    // of four vectors 8 lookups, 2 sums, 6 interleavings and 4 shifts.
    if (tokens == 1)
      return 64.0 / target.vectorBytes * 8 / target.lookupLoopRate;
    return target.getDotLoopCycles(20.0 * kFields / kVectors,
                                   18.0 / kVectors * tokens,
                                   target.pairInstructions != 0);
  }

  double getDecodeCycles(const TargetInfo &target) const override {
    return 20.0 * kFields / kVectors / target.lookupLoopRate +
           18.0 / kVectors; // as above; stores
  }
  /// Of every field, the six words of 12 columns are looked up: columns 0 and
  /// 1, 2 and 3, ... of which 2 and 3 are of two trios.
  void emitDecode(OpBuilder &builder, Location loc, ArrayRef<Value> vectors,
                  UseCodes use) const override {
    TileEmitter e(builder, loc);
    // Columns `low` and `high` of a trio as low and high byte of a word.
    auto table = [&](int64_t low, int64_t high) {
      SmallVector<int16_t> words(32);
      for (int64_t i = 0; i < 27; ++i)
        words[i] = (low < 0 ? 0 : getCode(i, low)) |
                   (high < 0 ? 0 : getCode(i, high) << 8);
      return e.constantWords(words);
    };
    Value first = table(0, 1), third = table(2, -1), fourth = table(-1, 0),
          last = table(1, 2);
    for (int64_t field = 0; field < kFields; ++field) {
      SmallVector<Value> words;
      for (int64_t trio = 0; trio < kVectors; trio += 2) {
        Value a = getIndices(e, vectors[trio], field);
        Value b = getIndices(e, vectors[trio + 1], field);
        words.push_back(e.lookupWords(first, a));
        words.push_back(e.add(e.lookupWords(third, a), //
                              e.lookupWords(fourth, b)));
        words.push_back(e.lookupWords(last, b));
      }
      for (int64_t quad = 0; quad < kStepCols / 4; ++quad)
        for (bool upper : {false, true})
          use(quad, 2 * field + upper,
              e.bitcast(
                  e.interleave(words[2 * quad], words[2 * quad + 1], 2, upper),
                  cast<VectorType>(vectors.front().getType())));
    }
  }

  void emitTables(OpBuilder &builder, Location loc, Value activations,
                  int64_t columns, Value token, Value tables) const override {
    TileEmitter e(builder, loc);
    SmallVector<SmallVector<int16_t>> factors(kTrio, SmallVector<int16_t>(32));
    for (int64_t i = 0; i < kTrio; ++i)
      for (int64_t index = 0; index < 27; ++index)
        factors[i][index] = getCode(index, i) - 1;
    auto emit = [&](Value column, int64_t count) {
      Value entries =
          count ? e.tableOfSums(activations, token, column,
                                ArrayRef(factors).take_front(count))
                : e.splat(VectorType::get({32}, builder.getI16Type()), 0);
      Value trio = arith::DivUIOp::create(builder, loc, column, e.index(kTrio));
      e.storeRow(e.bitcast(entries, e.bytesType(kTableBytes)), tables, token,
                 e.mulIndex(trio, kTableBytes));
    };
    // Activations may end within a trio, tables with a step.
    int64_t whole = columns / kTrio * kTrio;
    e.loop(0, whole, kTrio, {},
           [&](Value column, MutableArrayRef<Value>) { emit(column, kTrio); });
    int64_t end = (columns + kStepCols - 1) / kStepCols * kStepCols;
    for (int64_t column = whole; column < end; column += kTrio)
      emit(e.index(column), std::max<int64_t>(columns - column, 0));
  }

  void emitLookupTile(OpBuilder &builder, Location loc,
                      const TargetInfo &target,
                      const TileOperands &operands) const override {
    auto step = [&](TileEmitter &e, ArrayRef<Value> vectors,
                    function_ref<Value(int64_t, int64_t)> table,
                    MutableArrayRef<Value> acc) {
      auto type = cast<VectorType>(acc[0].getType());
      for (auto [i, words] : llvm::enumerate(vectors)) {
        Value sums = e.bitcast(table(kTableBytes * i, kTableBytes), type);
        for (int64_t field = 0; field < kFields; ++field)
          acc[field] = e.add(acc[field],
                             e.lookupWords(sums, getIndices(e, words, field)));
      }
    };
    bitnetc::emitLookupTile(builder, loc, target, operands, getGeometry(),
                            ternary::TL3Attr::getStepTableBytes(),
                            {kFields, kFlush, step});
  }

private:
  /// Indices, modulo 32, of a vector's row group.
  static Value getIndices(TileEmitter &e, Value bytes, int64_t field) {
    auto type = cast<VectorType>(bytes.getType());
    auto words =
        VectorType::get({type.getNumElements() / 2}, e.builder.getI16Type());
    return e.bitcast(field ? e.shiftWordsRight(bytes, 5 * field) : bytes,
                     words);
  }

  /// Every word of a tile: its first byte, row of the first field and column.
  template <typename Fn> static void forEachWord(int64_t columns, Fn fn) {
    int64_t trios = (columns + kStepCols - 1) / kStepCols * kVectors;
    for (int64_t word = 0; word < trios * 32; ++word) {
      int64_t block = word % 32 / 8, i = word % 8;
      fn(2 * word, 16 * (i / 4) + 4 * block + i % 4, word / 32 * kTrio);
    }
  }
};

} // namespace

const PackingFormat &bitnetc::getTL3() {
  static const TL3 format;
  return format;
}
