//===- X86.cpp - What the compiler knows of x86-64 ------------------------===//
//
// Sources: Intel SDM vol. 2 (VPDPBUSD, VPMADDUBSW), vol. 1 section 15.2 (16 or
// 32 registers); x86-64 psABI section 3.1.1 (the levels v2, v3, v4).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "ISA.h"
#include "bitnetc/Support/Error.h"

using namespace llvm;
using namespace bitnetc;

static constexpr RuntimeFeature runtimeFeatures[] = {
#define BN_X86_FEATURE(BIT, NAME, LEAF, SUBLEAF, REG, REGBIT, STATE)           \
  {NAME, BIT},
#include "bitnet/cpu_features.def"
};

/// The highest plain level whose features the host has: the host's own extra
/// features come on top, and model names are never asked (virtual machines
/// hide them, and hide features behind them).
static StringRef getNativeCpu(const StringMap<bool> &host) {
  for (StringRef feature : {"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt"})
    if (!host.lookup(feature))
      return "x86-64-v2";
  return "x86-64-v3";
}

static Error setFacts(TargetInfo &target) {
  if (!target.hasFeature("avx2") || !target.hasFeature("fma"))
    return makeError("the CPU '" + target.cpu +
                     "' lacks AVX2 or FMA, which generated code needs; use a "
                     "CPU of x86-64-v3 or above");
  // Byte operations on 512 bits need AVX-512BW; AVX-512VL gives registers
  // 16-31 to the narrower ones, too.
  bool wide = target.hasFeature("avx512bw");
  target.vectorBytes = wide ? 64 : 32;
  target.vectorRegisters = wide || target.hasFeature("avx512vl") ? 32 : 16;
  // vpdpbusd takes u8 x s8; vpmaddubsw adds two products in 16 bits and
  // saturates: 2 * 127 * 128 = 32512 is below 2^15, 2 * 128 * 128 is not.
  bool vnni = target.hasFeature("avx512vnni") || target.hasFeature("avxvnni");
  target.dotMax = vnni ? 255 : 127;
  target.signedDot = false;
  // Two 512-bit or three 256-bit vector ports, two of them with dot products.
  // Without VNNI it is vpmaddubsw, vpmaddwd and vpaddd, which share ports.
  // In 16 bits it is vpmaddubsw and vpaddw.
  target.dotInstructions = vnni ? 1 : 3;
  target.pairInstructions = vnni ? 0 : 2;
  target.dotLoopRate = !vnni ? 2.5 : wide ? 2 : 3;
  // Half of a lookup loop is lookups and interleavings, which have one port of
  // 512 bits, two of 256.
  target.lookupLoopRate = wide ? 2 : 3;
  target.wordLookup = wide; // vpermw
  target.wideLookupInstructions =
      wide && target.hasFeature("avx512vbmi") ? 1 : 5;
  target.speed = kServerSpeed;
  target.tileTokens =
      wide && target.hasFeature("amx-tile") && target.hasFeature("amx-int8")
          ? 16
          : 0;
  target.leastTileTokens = target.tileTokens ? 4 : 0;
  // Measured: 11 (i2) and 14 (t5) from the second cache, 18 to 20 from DRAM,
  // where dot products lose half as much.
  target.tokenTileCycles = 15;
  // Decoding a tile costs what it saves in the products of 16 tokens (t5).
  target.panelTokens = wide && vnni && target.tileTokens == 0 ? 16 : 0;
  // 5 to 11 % more from DRAM than one stream, none from a third one; with 16
  // registers the accumulators of two tiles would spill.
  target.streams = target.vectorRegisters == 32 ? 2 : 1;
  target.nontemporalResults = true;
  // Four tokens from DRAM: 1.3 times as fast as one stream 8 KB ahead. More
  // parts are equal; parts of less than 4 KB bring nothing.
  target.nextTileParts = 4;
  return Error::success();
}

const Isa bitnetc::x86Isa = {
    TargetInfo::Arch::X86_64,
    "x86-64-v3, x86-64-v4, icelake-server, sapphirerapids, znver4",
    "x86-64-v3",
    "",
    runtimeFeatures,
    getNativeCpu,
    setFacts,
};
