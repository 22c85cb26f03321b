//===- TargetInfoTest.cpp - Resolution of targets -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Target/TargetInfo.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/TargetParser/Host.h"
#include <gmock/gmock.h>

using namespace bitnetc;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

constexpr const char *x86 = "x86_64-linux-gnu", *arm = "aarch64-linux-gnu";

TargetInfo resolve(llvm::StringRef triple, llvm::StringRef cpu,
                   llvm::StringRef features = "") {
  auto target = resolveTarget(triple, cpu, features);
  EXPECT_TRUE(bool(target)) << llvm::toString(target.takeError());
  return target ? *target : TargetInfo();
}

std::string errorOf(llvm::StringRef triple, llvm::StringRef cpu,
                    llvm::StringRef features = "") {
  auto target = resolveTarget(triple, cpu, features);
  return target ? "no error" : llvm::toString(target.takeError());
}

TEST(TargetInfo, FactsOfX86Levels) {
  TargetInfo v3 = resolve(x86, "x86-64-v3");
  EXPECT_EQ(v3.vectorBytes, 32u);
  EXPECT_EQ(v3.vectorRegisters, 16u);
  EXPECT_EQ(v3.dotMax, 127u);
  TargetInfo alder = resolve(x86, "alderlake");
  EXPECT_EQ(alder.vectorBytes, 32u);
  EXPECT_EQ(alder.dotMax, 255u);
  TargetInfo v4 = resolve(x86, "x86-64-v4");
  EXPECT_EQ(v4.vectorBytes, 64u);
  EXPECT_EQ(v4.vectorRegisters, 32u);
  EXPECT_EQ(v4.dotMax, 127u);
  EXPECT_EQ(resolve(x86, "x86-64-v4", "+avx512vnni").dotMax, 255u);
}

TEST(TargetInfo, MatrixTilesNeedAllTheirFeatures) {
  EXPECT_EQ(resolve(x86, "sapphirerapids").tileTokens, 16u);
  EXPECT_EQ(resolve(x86, "sapphirerapids", "-amx-int8").tileTokens, 0u);
  EXPECT_EQ(resolve(x86, "icelake-server").tileTokens, 0u);
  EXPECT_EQ(resolve(x86, "x86-64-v4").tileTokens, 0u);
  EXPECT_EQ(resolve(x86, "x86-64-v3", "+amx-tile,+amx-int8").tileTokens, 0u);
}

// The levels of the x86-64 psABI, and what a model name adds.
TEST(TargetInfo, LevelsHaveTheirFeatures) {
  TargetInfo v3 = resolve(x86, "x86-64-v3"), v4 = resolve(x86, "x86-64-v4"),
             rapids = resolve(x86, "sapphirerapids");
  for (const char *name : {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt",
                           "movbe", "popcnt", "sse4.2", "ssse3"})
    EXPECT_TRUE(v3.hasFeature(name) && v4.hasFeature(name) &&
                rapids.hasFeature(name))
        << name;
  for (const char *name :
       {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}) {
    EXPECT_FALSE(v3.hasFeature(name)) << name;
    EXPECT_TRUE(v4.hasFeature(name) && rapids.hasFeature(name)) << name;
  }
  for (const char *name :
       {"avx512vnni", "avx512vbmi", "avxvnni", "amx-tile", "amx-int8"}) {
    EXPECT_FALSE(v4.hasFeature(name)) << name;
    EXPECT_TRUE(rapids.hasFeature(name)) << name;
  }
}

TEST(TargetInfo, FactsOfArmCores) {
  TargetInfo a72 = resolve(arm, "cortex-a72");
  EXPECT_EQ(a72.vectorBytes, 16u);
  EXPECT_FALSE(a72.signedDot);
  EXPECT_EQ(a72.dotMax, 127u);
  EXPECT_TRUE(resolve(arm, "cortex-a76").signedDot);
  EXPECT_EQ(resolve(arm, "neoverse-v1").dotMax, 255u);
}

TEST(TargetInfo, Baselines) {
  TargetInfo host = resolve(x86, "");
  EXPECT_NE(host.cpu, "native");
  EXPECT_TRUE(host.hasFeature("avx2"));
  TargetInfo cross = resolve(arm, "");
  EXPECT_TRUE(cross.hasFeature("dotprod"));
  EXPECT_FALSE(cross.hasFeature("i8mm"));
  EXPECT_FALSE(cross.hasFeature("sve"));
  EXPECT_TRUE(resolve(arm, "", "+i8mm").hasFeature("i8mm"));
}

TEST(TargetInfo, RuntimeBitsAreThoseOfTheTable) {
  // Bits of cpu_features.def: avx2 8, fma 4, avx512bw 11, avx512vnni 14.
  uint64_t v3 = resolve(x86, "x86-64-v3").getRuntimeFeatureBits();
  EXPECT_TRUE(v3 >> 8 & 1);
  EXPECT_TRUE(v3 >> 4 & 1);
  EXPECT_FALSE(v3 >> 11 & 1);
  EXPECT_EQ(v3 >> 32, 0u);
  EXPECT_TRUE(resolve(x86, "icelake-server").getRuntimeFeatureBits() >> 14 & 1);
  // neon 32, dotprod 34, i8mm 37.
  uint64_t a76 = resolve(arm, "cortex-a76").getRuntimeFeatureBits();
  EXPECT_TRUE(a76 >> 32 & 1);
  EXPECT_TRUE(a76 >> 34 & 1);
  EXPECT_FALSE(a76 >> 37 & 1);
  EXPECT_EQ(a76 << 32, 0u);
}

TEST(TargetInfo, NativeUsesOnlyWhatTheRuntimeChecks) {
  auto native = resolveTarget("", "native", "");
  if (!native) {
    llvm::consumeError(native.takeError());
    GTEST_SKIP() << "this machine is below the lowest level";
  }
  std::set<std::string> known = {
#define BN_X86_FEATURE(BIT, NAME, LEAF, SUBLEAF, REG, REGBIT, STATE) NAME,
#define BN_ARM_FEATURE(BIT, NAME, WORD, WORDBIT) NAME,
#include "bitnet/cpu_features.def"
  };
  llvm::SmallVector<llvm::StringRef> listed;
  llvm::StringRef(native->features).split(listed, ',');
  EXPECT_FALSE(listed.empty());
  for (llvm::StringRef item : listed)
    EXPECT_TRUE(known.count(item.drop_front().str())) << item.str();
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  for (const std::string &name : known)
    EXPECT_EQ(native->hasFeature(name), host.lookup(name)) << name;
}

TEST(TargetInfo, Errors) {
  EXPECT_THAT(errorOf("riscv64-linux-gnu", ""),
              HasSubstr("expected x86_64 or aarch64, but got 'riscv64'"));
  EXPECT_THAT(errorOf(x86, "foo"),
              StartsWith("unknown CPU 'foo' for x86_64; try --cpu="));
  EXPECT_THAT(errorOf(arm, "x86-64-v3"),
              StartsWith("unknown CPU 'x86-64-v3' for aarch64; try --cpu="));
  EXPECT_THAT(errorOf(x86, "x86-64-v3", "+foo"),
              StartsWith("unknown feature 'foo' for x86_64"));
  EXPECT_THAT(errorOf(x86, "x86-64-v3", "avx2"),
              HasSubstr("write +avx2 or -avx2"));
  EXPECT_THAT(errorOf(x86, "x86-64-v2"), HasSubstr("lacks AVX2 or FMA"));
  EXPECT_THAT(errorOf(x86, "x86-64-v3", "-fma"),
              HasSubstr("lacks AVX2 or FMA"));
  EXPECT_THAT(errorOf(arm, "generic", "-neon"), HasSubstr("lacks NEON"));
#if defined(__x86_64__)
  EXPECT_THAT(errorOf(arm, "native"), HasSubstr("CPU 'native'"));
#endif
}

TEST(TargetInfo, ModuleAttribute) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  auto standard = getTarget(*module);
  ASSERT_TRUE(mlir::succeeded(standard));
  EXPECT_EQ(standard->cpu, "x86-64-v3");
  setTarget(*module, resolve(arm, "cortex-a76", "+i8mm"));
  auto read = getTarget(*module);
  ASSERT_TRUE(mlir::succeeded(read));
  EXPECT_EQ(read->cpu, "cortex-a76");
  EXPECT_TRUE(read->hasFeature("i8mm"));
  EXPECT_EQ(read->arch, TargetInfo::Arch::AArch64);
}

} // namespace
