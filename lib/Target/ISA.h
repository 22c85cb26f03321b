//===- ISA.h - One table of facts per instruction set ----------*- C++ -*-===//
//
// Each lib/Target/<ISA>.cpp defines one Isa. Everything that depends on the
// architecture in target resolution is in it.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_TARGET_ISA_H
#define BITNETC_LIB_TARGET_ISA_H

#include "bitnetc/Target/TargetInfo.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

namespace bitnetc {

/// Of a Sapphire Rapids class server core, measured there with `bitnetc --tune`
/// and `bitnet-bench`. The only machine that was measured, so others have its
/// memory, too. L2 holds 2 MB, of which the activations need a part; of a
/// last-level cache that many cores share, one process gets about 100 MB.
constexpr Speed kServerSpeed = {
    /*gigahertz=*/3.6,
    {{"L2", 1e6, true, 120},
     {"L3", 100e6, false, 28},
     {"memory", 0, false, 19}},
    /*tileCycles=*/34,
    /*rescaleCycles=*/12,
    /*tableCycles=*/8,
    /*startMicroseconds=*/2};

/// A feature of runtime/include/bitnet/cpu_features.def.
struct RuntimeFeature {
  llvm::StringRef name; // LLVM's
  unsigned bit;         // in bn_model.cpu_features
};

struct Isa {
  TargetInfo::Arch arch;
  /// What an error about an unknown CPU proposes.
  llvm::StringRef suggestedCpus;
  /// CPU and features for an empty `--cpu` with a triple that is not the
  /// host's.
  llvm::StringRef baselineCpu, baselineFeatures;
  /// The features the runtime can check before it runs generated code.
  llvm::ArrayRef<RuntimeFeature> runtimeFeatures;
  /// The CPU that `native` builds on, given the host's features.
  llvm::StringRef (*getNativeCpu)(const llvm::StringMap<bool> &host);
  /// Sets vectorBytes, vectorRegisters, dotMax and signedDot from `has`, or
  /// refuses the machine.
  llvm::Error (*setFacts)(TargetInfo &target);
};

extern const Isa x86Isa, aarch64Isa;

} // namespace bitnetc

#endif // BITNETC_LIB_TARGET_ISA_H
