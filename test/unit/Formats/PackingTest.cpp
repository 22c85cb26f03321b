//===- PackingTest.cpp - Every format stores every matrix -----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "FormatData.h"
#include "bitnetc/Formats/PackingFormat.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace bitnetc;

namespace {

struct Shape {
  int64_t n, k;
};
// One, narrow, primes, whole tiles and one more or less.
constexpr Shape shapes[] = {{1, 1},   {1, 9},    {9, 1},    {2, 3},
                            {31, 37}, {32, 64},  {63, 65},  {64, 64},
                            {65, 4},  {79, 127}, {80, 128}, {81, 129},
                            {97, 5},  {160, 6},  {3, 1009}, {257, 62}};

struct PackingTest : testing::Test {
  PackingTest() { context.loadDialect<ternary::TernaryDialect>(); }
  mlir::MLIRContext context;
};

TEST_F(PackingTest, UnpackInvertsPack) {
  for (const PackingFormat *format : allFormats())
    for (auto [n, k] : shapes)
      for (Data data : allData) {
        SCOPED_TRACE(format->getName().str() + " " + std::to_string(n) + "x" +
                     std::to_string(k));
        std::vector<int8_t> weights = makeWeights(data, n, k);
        std::vector<uint8_t> bytes = packMatrix(*format, weights.data(), n, k);
        auto type =
            ternary::PackedType::get(&context, n, k, format->getAttr(&context));
        ASSERT_EQ(int64_t(bytes.size()), type.getSizeInBytes());
        int64_t rows = type.getFormat().getTileRows();
        std::vector<int8_t> tile(rows * k);
        for (int64_t i = 0; i < type.getNumTiles(); ++i) {
          std::fill(tile.begin(), tile.end(), 77);
          format->unpackTile(bytes.data() + i * type.getTileBytes(), k,
                             tile.data());
          for (int64_t row = 0; row < rows; ++row)
            for (int64_t column = 0; column < k; ++column) {
              int64_t at = i * rows + row;
              int expected = at < n ? weights[at * k + column] : 0;
              ASSERT_EQ(tile[row * k + column], expected)
                  << "row " << at << ", column " << column;
            }
        }
      }
}

TEST_F(PackingTest, AttributesAgreeWithFormats) {
  for (const PackingFormat *format : allFormats()) {
    ternary::PackingFormatInterface attr = format->getAttr(&context);
    EXPECT_EQ(attr.getFormatName(), format->getName());
    EXPECT_EQ(&getFormat(attr), format);
    EXPECT_EQ(findFormat(format->getName()), format);
    Geometry geometry = format->getGeometry();
    EXPECT_EQ(geometry.tileRows, attr.getTileRows());
    EXPECT_EQ(geometry.stepCols, attr.getStepCols());
    EXPECT_EQ(geometry.stepBytes, attr.getStepBytes());
  }
  EXPECT_EQ(findFormat("i3"), nullptr);
}

TEST_F(PackingTest, MoreTokensNeverCostLess) {
  for (const char *cpu : {"x86-64-v3", "x86-64-v4", "sapphirerapids"}) {
    auto target = resolveTarget("x86_64-linux-gnu", cpu, "");
    ASSERT_TRUE(bool(target));
    for (const PackingFormat *format : allFormats())
      for (int64_t tokens = 1; tokens < 8; ++tokens)
        EXPECT_LT(format->getCyclesPer64Bytes(*target, tokens),
                  format->getCyclesPer64Bytes(*target, tokens + 1))
            << format->getName().str() << " on " << cpu;
  }
}

} // namespace
