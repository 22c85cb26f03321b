//===- DenseWeightTest.cpp - Element types to f32 -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "bitnetc/Import/Model.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <numeric>

using namespace bitnetc;
using namespace bitnetc::test;

/// Reads all 65536 values of a 16-bit type and compares with LLVM's own
/// arithmetic. The data begins at an odd address, as it may in a file.
static void checkAll(DType dtype, const llvm::fltSemantics &semantics) {
  std::vector<uint16_t> values(65536);
  std::iota(values.begin(), values.end(), 0);
  std::string bytes = "x" + bytesOf(values);
  DenseWeight weight{"w",    dtype, {65536}, asBytes(bytes).data() + 1,
                     131072, "f"};
  std::vector<float> out(65536);
  readDense(weight, 0, 65536, out.data());
  for (uint32_t i = 0; i < 65536; ++i) {
    llvm::APFloat expected(semantics, llvm::APInt(16, i));
    if (expected.isNaN()) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
      continue;
    }
    bool losesInfo;
    expected.convert(llvm::APFloat::IEEEsingle(),
                     llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    ASSERT_FALSE(losesInfo);
    ASSERT_EQ(llvm::bit_cast<uint32_t>(out[i]),
              expected.bitcastToAPInt().getZExtValue())
        << i;
  }
}

TEST(DenseWeight, ReadsEveryHalf) {
  checkAll(DType::F16, llvm::APFloat::IEEEhalf());
}

TEST(DenseWeight, ReadsEveryBFloat) {
  checkAll(DType::BF16, llvm::APFloat::BFloat());
}

TEST(DenseWeight, ReadsFromTheMiddle) {
  std::string bytes = bytesOf<float>({1, -2.5f, 1e-45f, 3e38f});
  DenseWeight weight{"w", DType::F32, {2, 2}, asBytes(bytes).data(), 16, "f"};
  float out[2];
  readDense(weight, 2, 2, out);
  EXPECT_EQ(out[0], 1e-45f);
  EXPECT_EQ(out[1], 3e38f);
  std::string codes = bytesOf<uint8_t>({0, 255});
  readDense({"c", DType::U8, {2}, asBytes(codes).data(), 2, "f"}, 0, 2, out);
  EXPECT_EQ(out[1], 255);
}

TEST(DenseWeight, NamesAndSizes) {
  EXPECT_EQ(getDTypeName(DType::BF16), "bf16");
  EXPECT_EQ(getDTypeSize(DType::BF16), 2u);
  EXPECT_EQ(getDTypeName(DType::F32), "f32");
  EXPECT_EQ(getDTypeSize(DType::F32), 4u);
  EXPECT_EQ(getDTypeName(DType::F16), "f16");
  EXPECT_EQ(getDTypeName(DType::U8), "u8");
  EXPECT_EQ(getDTypeSize(DType::U8), 1u);
}
