//===- cpu_features.cpp - Does this CPU have what the program needs? ------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "cpu_features.h"

#include <cerrno>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

using namespace bitnet;

namespace {

// What XCR0 must hold, Intel SDM vol. 1, 13.3: bit 1 SSE, 2 AVX, 5 opmask,
// 6 upper ZMM, 7 ZMM16-31, 17 tile configuration, 18 tile data. SSE asks for
// nothing: x86-64 itself has it.
enum State : uint64_t { SSE = 0, AVX = 0x6, AVX512 = 0xe6, AMX = 0x60000 };
enum Register { A, B, C, D };

struct X86Feature {
  unsigned bit;
  const char *name;
  uint32_t leaf, subleaf;
  Register reg;
  unsigned regBit;
  State state;
};
struct ArmFeature {
  unsigned bit;
  const char *name;
  unsigned word, wordBit;
};

constexpr X86Feature x86Table[] = {
#define BN_X86_FEATURE(BIT, NAME, LEAF, SUBLEAF, REG, REGBIT, STATE)           \
  {BIT, NAME, LEAF, SUBLEAF, REG, REGBIT, STATE},
#include "bitnet/cpu_features.def"
};
constexpr ArmFeature armTable[] = {
#define BN_ARM_FEATURE(BIT, NAME, WORD, WORDBIT) {BIT, NAME, WORD, WORDBIT},
#include "bitnet/cpu_features.def"
};

// What --cpu=NAME may use of cpu_features.def; the best first.
struct CpuLevel {
  const char *name;
  const char *needs; // space-separated
};
// x86-64 psABI, section 3.1.1, table "Micro-Architecture Levels".
constexpr CpuLevel x86Levels[] = {
    {"x86-64-v4", "ssse3 sse4.2 popcnt avx avx2 bmi bmi2 f16c fma lzcnt movbe "
                  "avx512f avx512bw avx512cd avx512dq avx512vl"},
    {"x86-64-v3", "ssse3 sse4.2 popcnt avx avx2 bmi bmi2 f16c fma lzcnt movbe"},
    // Machines that hide some feature of v3; the compiler looks which.
    {"native", "avx avx2 fma"},
};
constexpr CpuLevel armLevels[] = {
    {"cortex-a76", "neon fullfp16 dotprod lse"},
    {"generic", ""},
};

bool namedIn(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
    if ((at == list || at[-1] == ' ') &&
        (at[length] == ' ' || at[length] == '\0'))
      return true;
  return false;
}

template <typename Table>
uint64_t maskOf(const Table &table, const char *names) {
  uint64_t mask = 0;
  for (const auto &feature : table)
    if (namedIn(names, feature.name))
      mask |= uint64_t(1) << feature.bit;
  return mask;
}

} // namespace

uint64_t bitnet::x86Features(CpuidFunction cpuid, uint64_t xcr0) {
  uint64_t mask = 0;
  for (const X86Feature &feature : x86Table) {
    CpuidResult result = cpuid(feature.leaf, feature.subleaf);
    uint32_t word = feature.reg == A   ? result.a
                    : feature.reg == B ? result.b
                    : feature.reg == C ? result.c
                                       : result.d;
    if ((word >> feature.regBit & 1) &&
        (xcr0 & feature.state) == uint64_t(feature.state))
      mask |= uint64_t(1) << feature.bit;
  }
  return mask;
}

uint64_t bitnet::armFeatures(uint64_t hwcap, uint64_t hwcap2) {
  uint64_t mask = 0;
  for (const ArmFeature &feature : armTable)
    if ((feature.word == 1 ? hwcap : hwcap2) >> feature.wordBit & 1)
      mask |= uint64_t(1) << feature.bit;
  return mask;
}

#if defined(__x86_64__)
static CpuidResult hostCpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidResult result = {0, 0, 0, 0};
  // Returns 0 and leaves the result alone above the highest leaf; the highest
  // subleaf of leaf 7 is in EAX of subleaf 0.
  if (leaf == 7 && subleaf &&
      (!__get_cpuid_count(7, 0, &result.a, &result.b, &result.c, &result.d) ||
       subleaf > result.a))
    return {0, 0, 0, 0};
  if (!__get_cpuid_count(leaf, subleaf, &result.a, &result.b, &result.c,
                         &result.d))
    return {0, 0, 0, 0};
  return result;
}

uint64_t bitnet::hostFeatures() {
  uint64_t xcr0 = 0;
  if (hostCpuid(1, 0).c >> 27 & 1) { // OSXSAVE
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    xcr0 = uint64_t(high) << 32 | low;
  }
  return x86Features(hostCpuid, xcr0);
}
static constexpr bool hostIsArm = false;

/// Linux gives tile registers only on request (Documentation/arch/x86/
/// xstate.rst): arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). Empty, or
/// why not.
static std::string requestTiles() {
  constexpr int requestPermission = 0x1023, tileData = 18;
  if (syscall(SYS_arch_prctl, requestPermission, tileData) == 0)
    return "";
  return std::string("the kernel refuses them (") + strerror(errno) + ")";
}
#elif defined(__aarch64__)
uint64_t bitnet::hostFeatures() {
  return armFeatures(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
}
static constexpr bool hostIsArm = true;
static std::string requestTiles() { return ""; }
#else
#error "the runtime knows x86-64 and AArch64"
#endif

std::string bitnet::featureNames(uint64_t mask) {
  std::string names;
  auto add = [&](const std::string &name) {
    names += names.empty() ? name : ", " + name;
  };
  for (unsigned bit = 0; bit != 64; ++bit) {
    if (!(mask >> bit & 1))
      continue;
    const char *name = nullptr;
    for (const X86Feature &feature : x86Table)
      if (feature.bit == bit)
        name = feature.name;
    for (const ArmFeature &feature : armTable)
      if (feature.bit == bit)
        name = feature.name;
    add(name ? name : "feature " + std::to_string(bit));
  }
  return names;
}

const char *bitnet::suggestedCpu(uint64_t have, bool arm) {
  if (arm) {
    for (const CpuLevel &level : armLevels) {
      uint64_t needs = maskOf(armTable, level.needs);
      if ((have & needs) == needs)
        return level.name;
    }
    return "generic";
  }
  for (const CpuLevel &level : x86Levels) {
    uint64_t needs = maskOf(x86Table, level.needs);
    if ((have & needs) == needs)
      return level.name;
  }
  // The compiler refuses CPUs without AVX2 and FMA.
  return nullptr;
}

Error bitnet::checkFeatures(uint64_t needed, uint64_t have, bool arm) {
  uint64_t missing = needed & ~have;
  if (!missing)
    return Error();
  const char *cpu = suggestedCpu(have, arm);
  return Error::make("this program needs %s, which this CPU lacks; %s%s",
                     featureNames(missing).c_str(),
                     cpu ? "recompile with --cpu="
                         : "run it on a CPU with AVX2 and FMA",
                     cpu ? cpu : "");
}

uint64_t bitnet::tileFeatures() {
  return maskOf(x86Table, "amx-tile amx-int8");
}

Error bitnet::prepareCpu(uint64_t needed, CpuState &state) {
  const uint64_t have = hostFeatures(), tiles = needed & tileFeatures();
  if (Error error = checkFeatures(needed & ~tiles, have, hostIsArm))
    return error;
  if (tiles & ~have)
    state.noTiles = "this CPU lacks " + featureNames(tiles & ~have);
  else if (tiles)
    state.noTiles = requestTiles();
  return Error();
}
