//===- AArch64.cpp - What the compiler knows of AArch64 -------------------===//
//
// Source: Arm Architecture Reference Manual DDI 0487, C7.2 (SDOT, USDOT,
// SMULL, TBL): 32 registers of 128 bits, products widened without loss.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "ISA.h"
#include "bitnetc/Support/Error.h"

using namespace llvm;
using namespace bitnetc;

static constexpr RuntimeFeature runtimeFeatures[] = {
#define BN_ARM_FEATURE(BIT, NAME, WORD, WORDBIT) {NAME, BIT},
#include "bitnet/cpu_features.def"
};

static StringRef getNativeCpu(const StringMap<bool> &host) { return "generic"; }

static Error setFacts(TargetInfo &target) {
  if (!target.hasFeature("neon"))
    return makeError("the CPU '" + target.cpu +
                     "' lacks NEON, which generated code needs; leave -neon "
                     "out of --mattr");
  target.vectorBytes = 16;
  target.vectorRegisters = 32;
  // usdot takes u8 x s8; sdot takes s8 x s8, so unsigned bytes up to 127.
  // Cores without either (Cortex-A53, A72) widen to 16 bits with smull.
  target.dotMax = target.hasFeature("i8mm") ? 255 : 127;
  target.signedDot = target.hasFeature("dotprod");
  // smull of both halves, saddlp of both, addp, add; and in 16 bits smull of
  // both halves, addp, add.
  bool hasDot = target.hasFeature("i8mm") || target.hasFeature("dotprod");
  target.dotInstructions = hasDot ? 1 : 6;
  target.pairInstructions = hasDot ? 0 : 4;
  target.byteMultiply = true;
  target.speed = kServerSpeed;
  target.speed.gigahertz = 2.6; // Neoverse N1 and V1 in the cloud
  return Error::success();
}

const Isa bitnetc::aarch64Isa = {
    TargetInfo::Arch::AArch64,
    "generic, cortex-a72, cortex-a76, neoverse-n1, neoverse-v1, apple-m1",
    "generic",
    // Armv8.2-A with dotprod: every server and phone core since 2018.
    "+v8.2a,+dotprod",
    runtimeFeatures,
    getNativeCpu,
    setFacts,
};
