//===- cpu_features.h - Does this CPU have what the program needs? --------===//
//
// Checked before the first generated instruction runs, so that an old CPU gets
// a sentence and not SIGILL. The tables of both architectures are always
// compiled in, which lets one machine test them all.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_CPU_FEATURES_H
#define BITNET_SRC_CPU_FEATURES_H

#include "error.h"

#include <cstdint>
#include <string>

namespace bitnet {

/// The four result registers of CPUID.
struct CpuidResult {
  uint32_t a, b, c, d;
};
/// Executes CPUID; must return zeros for a leaf above the CPU's highest.
using CpuidFunction = CpuidResult (*)(uint32_t leaf, uint32_t subleaf);

/// Bits of cpu_features.def that an x86 CPU has and its operating system saves
/// (`xcr0`, 0 if XGETBV is not available).
uint64_t x86Features(CpuidFunction cpuid, uint64_t xcr0);

/// Bits of cpu_features.def that an AArch64 CPU has, from the words AT_HWCAP
/// and AT_HWCAP2 of the auxiliary vector.
uint64_t armFeatures(uint64_t hwcap, uint64_t hwcap2);

/// Bits that the machine we run on has.
uint64_t hostFeatures();

/// Names of the set bits of `mask`, comma-separated; "feature N" for bits that
/// cpu_features.def does not list.
std::string featureNames(uint64_t mask);

/// The best --cpu= of the compiler that runs with the features `have`, or null
/// if none does. `arm` says which architecture the bits belong to.
const char *suggestedCpu(uint64_t have, bool arm);

/// Success if `have` covers `needed`, else the sentence for the user.
Error checkFeatures(uint64_t needed, uint64_t have, bool arm);

/// The bits of features that only matrix tiles need: code does without them if
/// no prefill call has bn_model.tile_batch tokens.
uint64_t tileFeatures();

/// What a program can count on.
struct CpuState {
  /// Empty, or why matrix tiles cannot be used though the code has them.
  std::string noTiles;
};

/// checkFeatures for this machine, all but tileFeatures(); then asks the kernel
/// for matrix tiles, if the code has them. Call once, before generated code
/// runs.
Error prepareCpu(uint64_t needed, CpuState &state);

} // namespace bitnet

#endif // BITNET_SRC_CPU_FEATURES_H
