//===- TernaryWeightTest.cpp - Packed codes and masters -------------------===//
//
// The oracles are transcriptions of transformers' integrations/bitnet.py,
// element by element, as far from the library's loops as possible.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "bitnetc/Import/Safetensors.h"
#include "lib/Import/TernaryWeights.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <limits>
#include <random>
#include <sys/mman.h>

using namespace bitnetc;
using namespace bitnetc::test;
using testing::HasSubstr;

namespace {

/// Bytes in mapped pages of their own: readRows gives pages back, which must
/// not be done to the heap. The mapping is shared, so they keep their content.
class MappedBytes {
public:
  explicit MappedBytes(const std::string &bytes) : size(bytes.size()) {
    data = static_cast<uint8_t *>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::memcpy(data, bytes.data(), size);
  }
  ~MappedBytes() { munmap(data, size); }
  StoredTensor makeTensor(const std::string &dtype,
                          std::vector<int64_t> shape) const {
    return {"w", dtype, std::move(shape), data, size, "f"};
  }

private:
  size_t size;
  uint8_t *data;
};

} // namespace

static std::vector<int8_t> randomTernary(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> values(count);
  for (int8_t &value : values)
    value = int8_t(random() % 3) - 1;
  return values;
}

/// pack_weights.
static std::string pack(const std::vector<int8_t> &values, int64_t rows,
                        int64_t cols) {
  int64_t rowDim = (rows + 3) / 4;
  std::string packed(rowDim * cols, '\0');
  int64_t it = std::min<int64_t>(4, rows / rowDim + 1);
  for (int64_t i = 0; i < it; ++i) {
    int64_t start = i * rowDim, end = std::min(start + rowDim, rows);
    for (int64_t r = start; r < end; ++r)
      for (int64_t c = 0; c < cols; ++c)
        packed[(r - start) * cols + c] |= (values[r * cols + c] + 1) << 2 * i;
  }
  return packed;
}

TEST(PackedWeight, UnpacksAnyShapeInAnyBlocks) {
  for (auto [rows, cols] : {std::pair<int64_t, int64_t>{1, 1},
                            {2, 3},
                            {4, 5},
                            {5, 2},
                            {6, 100},
                            {7, 1},
                            {9, 3},
                            {64, 129},
                            {301, 40}}) {
    std::vector<int8_t> values = randomTernary(rows * cols, rows);
    MappedBytes packed(pack(values, rows, cols));
    auto weight = makePackedWeight(
        packed.makeTensor("U8", {(rows + 3) / 4, cols}), rows, 0.5f);
    EXPECT_EQ(weight->rows, rows);
    EXPECT_EQ(weight->cols, cols);
    EXPECT_EQ(*weight->scale(), 0.5f);
    for (int64_t step : {int64_t(1), int64_t(3), rows}) {
      std::vector<int8_t> out(rows * cols, 99);
      for (int64_t row = 0; row < rows; row += step)
        ASSERT_FALSE(bool(weight->readRows(row, std::min(step, rows - row),
                                           out.data() + row * cols)));
      EXPECT_EQ(out, values) << rows << "x" << cols << " by " << step;
    }
  }
}

TEST(PackedWeight, RefusesCode3WhereItIs) {
  std::string bytes = pack(randomTernary(8 * 3, 1), 8, 3);
  bytes[5] |= 3 << 4; // byte row 1, column 2, third quarter: row 2 * 2 + 1
  MappedBytes packed(bytes);
  auto weight = makePackedWeight(packed.makeTensor("U8", {2, 3}), 8, 1);
  std::vector<int8_t> out(8 * 3);
  EXPECT_FALSE(bool(weight->readRows(0, 5, out.data())));
  EXPECT_THAT(getError(weight->readRows(0, 8, out.data())),
              HasSubstr("f: tensor 'w': illegal code 3 at row 5, column 2"));
}

TEST(PackedWeight, IgnoresBitsPastTheLastRow) {
  std::string bytes = pack(randomTernary(5, 1), 5, 1);
  bytes[1] |= '\xf0'; // rows 5 and 7 do not exist
  MappedBytes packed(bytes);
  auto weight = makePackedWeight(packed.makeTensor("U8", {2, 1}), 5, 1);
  std::vector<int8_t> out(5);
  EXPECT_FALSE(bool(weight->readRows(0, 5, out.data())));
}

/// WeightQuant of float32 values: T, and the factor that W' = T * factor has.
static std::pair<std::vector<int8_t>, float>
quantize(const std::vector<float> &w) {
  long double sum = 0;
  for (float value : w)
    sum += std::abs(value);
  float mean = std::max(float(sum / w.size()), 1e-5f);
  float s = 1.0f / mean;
  std::vector<int8_t> t;
  for (float value : w)
    t.push_back(
        int8_t(std::min(1.0f, std::max(-1.0f, std::nearbyint(value * s)))));
  return {t, 1.0f / s};
}

static float roundToBFloat(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  return llvm::bit_cast<float>(bits & 0xffff0000u);
}

TEST(MasterWeight, IsWeightQuantInFloat32) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.02f);
  // More than a chunk, and no multiple of one.
  const int64_t rows = 37, cols = 331;
  std::vector<float> values(rows * cols);
  std::vector<uint16_t> stored;
  for (float &value : values) {
    value = roundToBFloat(normal(random));
    stored.push_back(llvm::bit_cast<uint32_t>(value) >> 16);
  }
  MappedBytes bytes(bytesOf(stored));
  auto weight = makeMasterWeight(bytes.makeTensor("BF16", {rows, cols}));
  auto [expected, factor] = quantize(values);
  std::vector<int8_t> out(rows * cols, 99);
  for (int64_t row = 0; row < rows; row += 10)
    ASSERT_FALSE(bool(weight->readRows(row, std::min<int64_t>(10, rows - row),
                                       out.data() + row * cols)));
  EXPECT_EQ(out, expected);
  EXPECT_FLOAT_EQ(*weight->scale(), factor);
  // In float32 the cast to the dtype of W changes nothing: the factor is not
  // rounded to the type that the file has.
  EXPECT_NE(*weight->scale(), roundToBFloat(*weight->scale()));
}

TEST(MasterWeight, RoundsHalfToEven) {
  // mean|W| = 1, so W * s is W.
  std::vector<float> values = {0.5f, -0.5f, 1.5f, -1.5f, 0.50000006f, 1.5f};
  MappedBytes bytes(bytesOf(values));
  auto weight = makeMasterWeight(bytes.makeTensor("F32", {2, 3}));
  std::vector<int8_t> out(6);
  ASSERT_FALSE(bool(weight->readRows(0, 2, out.data())));
  EXPECT_EQ(*weight->scale(), 1.0f);
  EXPECT_EQ(out, (std::vector<int8_t>{0, 0, 1, -1, 1, 1}));
}

TEST(MasterWeight, DeadMatrixHasTheLeastMean) {
  MappedBytes bytes(bytesOf<float>({0, 1e-30f, -1e-30f, 0}));
  auto weight = makeMasterWeight(bytes.makeTensor("F32", {2, 2}));
  std::vector<int8_t> out(4, 99);
  ASSERT_FALSE(bool(weight->readRows(0, 2, out.data())));
  EXPECT_EQ(out, (std::vector<int8_t>{0, 0, 0, 0}));
  EXPECT_EQ(*weight->scale(), 1.0f / (1.0f / 1e-5f));
}

TEST(MasterWeight, RefusesNaNAndInfinity) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(),
                    -std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(20000, 1);
    values[12345] = bad;
    MappedBytes bytes(bytesOf(values));
    auto weight = makeMasterWeight(bytes.makeTensor("F32", {200, 100}));
    EXPECT_EQ(getError(weight->scale()),
              "f: tensor 'w': expected finite numbers, but got NaN or infinity "
              "at row 123, column 45");
    std::vector<int8_t> out(100);
    EXPECT_THAT(getError(weight->readRows(0, 1, out.data())),
                HasSubstr("row 123, column 45"));
  }
}

TEST(TernaryWeights, RecognisesUnpackedTernaryRows) {
  std::string rows = bytesOf<float>({0.5f, 0, -0.5f, 2, -2, 2});
  std::string masters = bytesOf<float>({0.5f, 0, -0.4f, 2, -2, 2});
  StoredTensor tensor{"w", "F32", {2, 3}, asBytes(rows).data(), 24, "f"};
  EXPECT_TRUE(looksUnpackedTernary(tensor));
  tensor.data = asBytes(masters).data();
  EXPECT_FALSE(looksUnpackedTernary(tensor));
}
