//===- HeadTableTest.cpp - Heads of integers are packed as the kernels read -=//
//
// Every number is read back from where the layout says it is
// (dialects/BitNet/HeadTable.h).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "llvm/ADT/bit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace bitnetc;
using namespace bitnetc::bitnet;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

float fromBF16(uint16_t half) {
  return llvm::bit_cast<float>(uint32_t(half) << 16);
}

struct Tile {
  int64_t columns;
  std::vector<uint8_t> bytes;
  std::vector<float> facts;

  Tile(unsigned bits, const std::vector<float> &rows, int64_t columns)
      : columns(columns), bytes(getHeadTileBytes(bits, columns), 0xaa),
        facts(getHeadTileFacts(bits), -1) {
    packHeadTile(bits, rows, columns, bytes, facts);
  }

  int int8(int64_t row, int64_t k) const {
    return int8_t(bytes[k / 4 * 64 + row * 4 + k % 4]);
  }
  int int7(int64_t row, int64_t k) const {
    const uint8_t *group = bytes.data() + k / 32 * 448 + row * 4 + k % 4;
    int64_t step = k % 32 / 4;
    if (step < 7)
      return int8_t(group[step * 64] & 0xfe);
    uint8_t byte = 0;
    for (int64_t s = 0; s != 7; ++s)
      byte |= (group[s * 64] & 1) << (7 - s);
    return int8_t(byte);
  }
  float int4(int64_t row, int64_t k) const {
    const uint8_t *group = bytes.data() + k / 32 * 288;
    uint8_t byte = group[32 + k % 32 / 8 * 64 + row * 4 + k % 4];
    int sixteenfold = int8_t(k % 8 < 4 ? byte << 4 : byte & 0xf0);
    uint16_t scale = group[2 * row] | group[2 * row + 1] << 8;
    return fromBF16(scale) * sixteenfold;
  }
};

std::vector<float> normalRows(int64_t rows, int64_t columns, float unit) {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * columns);
  for (float &value : values)
    value = normal(engine) * unit;
  return values;
}

class HeadSketchTable : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Bits, HeadSketchTable, testing::Values(7u, 8u));

TEST_P(HeadSketchTable, IsTheSketchOfEachRow) {
  const unsigned bits = GetParam();
  for (int64_t columns : {1, 28, 31, 32, 70})
    for (int64_t rows : {1, 15, 16}) {
      std::vector<float> values = normalRows(rows, columns, 0.02f);
      Tile tile(bits, values, columns);
      for (int64_t row = 0; row != 16; ++row) {
        std::vector<int8_t> q(columns);
        SketchedRow sketch = {0, 0, infinity, 0};
        if (row < rows)
          sketch = sketchRow(
              llvm::ArrayRef(values).slice(row * columns, columns), q, bits);
        for (int64_t k = 0; k != getHeadColumns(columns); ++k)
          EXPECT_EQ(bits == 8 ? tile.int8(row, k) : tile.int7(row, k),
                    k < columns ? q[k] : 0);
        EXPECT_EQ(tile.facts[row], sketch.scale);
        EXPECT_EQ(tile.facts[16 + row], sketch.sum);
        EXPECT_EQ(tile.facts[32 + row], sketch.bound);
        EXPECT_EQ(tile.facts[48 + row], sketch.length);
      }
    }
}

TEST(HeadTable, Int4IsNear) {
  for (float unit : {1.0f, 0.02f, 1e-30f, 1e30f})
    for (int64_t columns : {1, 31, 32, 70, 256}) {
      std::vector<float> values = normalRows(13, columns, unit);
      Tile tile(4, values, columns);
      double error = 0, length = 0;
      for (int64_t row = 0; row != 16; ++row) {
        double sum = 0;
        for (int64_t k = 0; k != getHeadColumns(columns); ++k) {
          bool inside = row < 13 && k < columns;
          double stored = tile.int4(row, k);
          double value = inside ? values[row * columns + k] : 0;
          if (!inside)
            EXPECT_EQ(stored, 0);
          sum += stored;
          error += (stored - value) * (stored - value);
          length += value * value;
        }
        EXPECT_EQ(tile.facts[row], float(sum));
      }
      EXPECT_LT(std::sqrt(error), 0.11 * std::sqrt(length))
          << columns << " columns of " << unit;
    }
}

TEST(HeadTable, Int4HoldsWhatItCan) {
  // -8 to 7 times a power of two, and zeros.
  std::vector<float> values(48, 0.0f);
  for (int k = 0; k != 16; ++k)
    values[k] = float(k - 8) * 0.25f;
  Tile tile(4, values, 48);
  for (int k = 0; k != 48; ++k)
    EXPECT_EQ(tile.int4(0, k), values[k]);
  EXPECT_EQ(tile.facts[0], -2.0f);
}

TEST(HeadTable, RoundsToNearestEven) {
  EXPECT_EQ(roundToBF16(1.0f), 0x3f80);
  EXPECT_EQ(roundToBF16(1.0f + 0x1p-8f), 0x3f80);
  EXPECT_EQ(roundToBF16(1.0f + 0x1.8p-7f), 0x3f82);
  EXPECT_EQ(roundToBF16(3.4e38f), 0x7f80);
  EXPECT_EQ(roundToF16(-1.0f), 0xbc00);
  EXPECT_EQ(roundToF16(1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(roundToF16(1.0f + 0x1.8p-10f), 0x3c02);
  EXPECT_EQ(roundToF16(65504.0f), 0x7bff);
  EXPECT_EQ(roundToF16(65519.0f), 0x7bff);
  EXPECT_EQ(roundToF16(65520.0f), 0x7c00);
  EXPECT_EQ(roundToF16(-0x1p-24f), 0x8001);
  EXPECT_EQ(roundToF16(0x1.8p-24f), 0x0002);
  EXPECT_EQ(roundToF16(0x1p-25f), 0x0000);
  EXPECT_EQ(roundToF16(0x1.ff8p-15f), 0x03ff);
  EXPECT_EQ(roundToF16(0x1.fffp-15f), 0x0400);
  // Every number that f16 has.
  for (uint32_t half = 0; half != 0x7c00; ++half) {
    int exponent = int(half >> 10);
    float value = exponent == 0
                      ? std::ldexp(float(half), -24)
                      : std::ldexp(float(1024 + (half & 1023)), exponent - 25);
    EXPECT_EQ(roundToF16(value), half);
    EXPECT_EQ(roundToF16(-value), half | 0x8000);
  }
}

} // namespace
