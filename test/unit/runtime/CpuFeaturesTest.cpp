//===- CpuFeaturesTest.cpp - Tests of the CPU check ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "cpu_features.h"

#include <gtest/gtest.h>

using namespace bitnet;

namespace {

constexpr uint64_t bit(unsigned n) { return uint64_t(1) << n; }

// A CPU with every bit of every leaf.
CpuidResult everything(uint32_t, uint32_t) { return {~0u, ~0u, ~0u, ~0u}; }
// AVX, FMA, F16C, SSE and AVX2, AVX-512 F and VNNI as the CPU says.
CpuidResult someCpu(uint32_t leaf, uint32_t subleaf) {
  if (leaf == 1)
    return {0, 0, 1u << 28 | 1u << 12 | 1u << 29 | 1u << 9 | 1u << 20, 0};
  if (leaf == 7 && subleaf == 0)
    return {0, 1u << 5 | 1u << 16, 1u << 11, 0};
  return {0, 0, 0, 0};
}

TEST(CpuFeatures, OperatingSystemMustSaveTheState) {
  uint64_t avx = bit(2) | bit(3) | bit(4) | bit(8);
  uint64_t sse = bit(0) | bit(1);
  uint64_t avx512 = bit(9) | bit(14);
  EXPECT_EQ(x86Features(someCpu, 0), sse);
  EXPECT_EQ(x86Features(someCpu, 0x3), sse);
  EXPECT_EQ(x86Features(someCpu, 0x7), sse | avx);
  EXPECT_EQ(x86Features(someCpu, 0x67), sse | avx); // no upper ZMM registers
  EXPECT_EQ(x86Features(someCpu, 0xe7), sse | avx | avx512);
  uint64_t amx = bit(18) | bit(19);
  EXPECT_EQ(x86Features(everything, 0xe7) & amx, 0u);
  EXPECT_EQ(x86Features(everything, 0x600e7) & amx, amx);
}

TEST(CpuFeatures, ArmWords) {
  EXPECT_EQ(armFeatures(0, 0), 0u);
  EXPECT_EQ(armFeatures(1u << 20 | 1u << 1, 0), bit(34) | bit(32));
  EXPECT_EQ(armFeatures(1u << 22, 1u << 1 | 1u << 13),
            bit(35) | bit(36) | bit(37));
}

TEST(CpuFeatures, SentenceNamesWhatIsMissing) {
  Error error = checkFeatures(bit(14), ~bit(14) & (bit(25) - 1), false);
  EXPECT_EQ(error.message(),
            "this program needs avx512vnni, which this CPU lacks; recompile "
            "with --cpu=x86-64-v4");
  error = checkFeatures(bit(8) | bit(63), 0, false);
  EXPECT_EQ(error.message(),
            "this program needs avx2, feature 63, which this CPU lacks; "
            "run it on a CPU with AVX2 and FMA");
  error = checkFeatures(bit(37) | bit(34), bit(32), true);
  EXPECT_EQ(error.message(), "this program needs dotprod, i8mm, which this CPU "
                             "lacks; recompile with --cpu=generic");
  EXPECT_FALSE(checkFeatures(bit(3), bit(3) | bit(4), false));
  EXPECT_FALSE(checkFeatures(0, 0, true));
}

TEST(CpuFeatures, Levels) {
  uint64_t v2 = bit(0) | bit(1) | bit(5);
  uint64_t v3 = v2 | bit(2) | bit(3) | bit(4) | bit(6) | bit(7) | bit(8) |
                bit(21) | bit(22);
  uint64_t v4 = v3 | bit(9) | bit(10) | bit(11) | bit(12) | bit(13);
  EXPECT_STREQ(suggestedCpu(v4, false), "x86-64-v4");
  EXPECT_STREQ(suggestedCpu(v4 & ~bit(13), false), "x86-64-v3");
  EXPECT_STREQ(suggestedCpu(v3 & ~bit(22), false), "native");
  EXPECT_EQ(suggestedCpu(v3 & ~bit(8), false), nullptr);
  EXPECT_EQ(suggestedCpu(v2, false), nullptr);
  EXPECT_STREQ(suggestedCpu(bit(32) | bit(33) | bit(34) | bit(38), true),
               "cortex-a76");
  EXPECT_STREQ(suggestedCpu(bit(32), true), "generic");
}

// The compiler of this test may have been told what the machine has.
TEST(CpuFeatures, HostHasItsBaseline) {
  uint64_t host = hostFeatures();
#if defined(__aarch64__)
  EXPECT_TRUE(host & bit(32));
#else
  EXPECT_EQ(bool(host & bit(8)), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(bool(host & bit(14)), bool(__builtin_cpu_supports("avx512vnni")));
  EXPECT_EQ(bool(host & bit(16)), bool(__builtin_cpu_supports("gfni")));
#endif
  CpuState state;
  EXPECT_FALSE(prepareCpu(host, state));
  EXPECT_EQ(state.noTiles, "") << "what it has, AMX included, may be used";
}

// Code with matrix tiles runs without them; other features are needed.
TEST(CpuFeatures, TilesAreNotNeeded) {
  EXPECT_EQ(tileFeatures(), bit(18) | bit(19));
  uint64_t host = hostFeatures(), lacking = tileFeatures() & ~host;
  CpuState state;
  EXPECT_FALSE(prepareCpu(host | tileFeatures(), state));
  if (lacking)
    EXPECT_EQ(state.noTiles, "this CPU lacks " + featureNames(lacking));
  EXPECT_TRUE(prepareCpu(host | tileFeatures() | bit(63), state));
}

} // namespace
