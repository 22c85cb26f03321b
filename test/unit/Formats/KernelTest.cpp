//===- KernelTest.cpp - Kernels of all formats and x86 levels are exact ---===//
//
// Every kernel is emitted, compiled for the level and run; every product is
// compared with a scalar one. A level that this CPU lacks is skipped.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "FormatData.h"
#include "KernelJit.h"
#include <gtest/gtest.h>

using namespace bitnetc;

namespace {

struct Level {
  const char *name, *cpu, *features;
};
constexpr Level levels[] = {
    {"v3", "x86-64-v3", ""},
    {"v3_avxvnni", "x86-64-v3", "+avxvnni"},
    {"v4", "x86-64-v4", ""},
    {"v4_avx512vnni", "x86-64-v4", "+avx512vnni"},
    {"v4_avx512vbmi", "x86-64-v4", "+avx512vbmi"},
    {"sapphirerapids", "sapphirerapids", ""},
};

/// Shapes of the small cases: columns below, at and above a step, an
/// activation block and a flush, an odd and an even number of steps.
constexpr KernelShape smallShapes[] = {
    {1, 1, 1},   {2, 3, 1},   {1, 4, 2},   {1, 9, 1},   {3, 63, 1},
    {1, 64, 1},  {1, 65, 2},  {4, 127, 1}, {1, 241, 1}, {2, 257, 2},
    {1, 640, 2}, {6, 100, 1}, {1, 479, 1}, {1, 484, 1}};
/// Realistic widths, the largest of the 2B and 3B models included.
constexpr KernelShape largeShapes[] = {
    {1, 2560, 2}, {4, 6912, 1}, {1, 8640, 1}};

class KernelTest : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    auto resolved =
        resolveTarget("x86_64-linux-gnu", GetParam().cpu, GetParam().features);
    ASSERT_TRUE(bool(resolved)) << llvm::toString(resolved.takeError());
    target = *resolved;
    auto native = resolveTarget("", "native", "");
    if (!native) {
      llvm::consumeError(native.takeError());
      GTEST_SKIP() << "no x86-64 machine with AVX2";
    }
    if (native->arch != target.arch ||
        (target.getRuntimeFeatureBits() & ~native->getRuntimeFeatureBits()))
      GTEST_SKIP() << "this CPU lacks features of " << target.cpu;
  }

  void check(const PackingFormat &format, KernelShape shape);

  TargetInfo target;
};

void KernelTest::check(const PackingFormat &format, KernelShape shape) {
  auto [m, k, streams, lookup] = shape;
  SCOPED_TRACE(format.getName().str() + " M=" + std::to_string(m) +
               " K=" + std::to_string(k) + " S=" + std::to_string(streams) +
               (lookup ? " by tables" : ""));
  if (format.getUnsupportedReason(target))
    return;
  mlir::MLIRContext context;
  context.loadDialect<ternary::TernaryDialect>();
  int64_t tableBytes =
      format.getAttr(&context).getTableBytes(ternary::getPaddedColumns(k));
  if (!lookup && tableBytes != 0)
    check(format, {m, k, streams, true});
  auto kernel = KernelJit::create(format, target, shape);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  // Three tiles, the last with padding rows; the second stream runs ahead.
  int64_t rows = format.getGeometry().tileRows, n = 3 * rows - 7;
  int64_t tileBytes = format.getGeometry().getTileBytes(k);
  int64_t padded = ternary::getPaddedColumns(k);
  for (Data data : allData) {
    std::vector<int8_t> weights = makeWeights(data, n, k);
    std::vector<uint8_t> bytes = packMatrix(format, weights.data(), n, k);
    std::vector<int8_t> activations = makeActivations(data, m, k, padded);
    std::vector<int8_t> tables(m * tableBytes);
    std::vector<int32_t> sums(m);
    for (int64_t token = 0; token < m; ++token)
      for (int64_t column = 0; column < k; ++column)
        sums[token] += activations[token * padded + column];
    for (int64_t tile = 0; tile < 3; ++tile) {
      int64_t tiles[2] = {tile, (tile + 2) % 3};
      std::vector<int32_t> products[2];
      KernelJit::Arguments arguments = {activations.data(),
                                        sums.data(),
                                        tables.data(),
                                        bytes.data(),
                                        int64_t(bytes.size()),
                                        {},
                                        {}};
      for (int64_t stream = 0; stream < 2; ++stream) {
        products[stream].assign(m * rows, 0x55555555);
        arguments.products[stream] = products[stream].data();
        arguments.offsets[stream] = tiles[stream] * tileBytes;
      }
      kernel->run(arguments);
      for (int64_t stream = 0; stream < streams; ++stream)
        for (int64_t token = 0; token < m; ++token)
          for (int64_t row = 0; row < rows; ++row) {
            int64_t at = tiles[stream] * rows + row;
            int32_t expected = 0;
            for (int64_t column = 0; at < n && column < k; ++column)
              expected += weights[at * k + column] *
                          activations[token * padded + column];
            ASSERT_EQ(products[stream][token * rows + row], expected)
                << "data " << int(data) << ", token " << token << ", row "
                << at;
          }
    }
  }
}

/// Just below the columns that the format's record allows, where the scaled
/// sums of the largest activations come close to 32 bits.
TEST_P(KernelTest, WidestShape) {
  mlir::MLIRContext context;
  context.loadDialect<ternary::TernaryDialect>();
  for (const PackingFormat *format : allFormats()) {
    int64_t limit = format->getAttr(&context).getColumnLimit();
    check(*format, {1, std::min<int64_t>(limit, 100000) - 1, 1});
  }
}

TEST_P(KernelTest, SmallShapes) {
  for (const PackingFormat *format : allFormats())
    for (KernelShape shape : smallShapes)
      check(*format, shape);
}

TEST_P(KernelTest, LargeShapes) {
  for (const PackingFormat *format : allFormats())
    for (KernelShape shape : largeShapes)
      check(*format, shape);
}

INSTANTIATE_TEST_SUITE_P(Levels, KernelTest, testing::ValuesIn(levels),
                         [](const testing::TestParamInfo<Level> &info) {
                           return info.param.name;
                         });

} // namespace
