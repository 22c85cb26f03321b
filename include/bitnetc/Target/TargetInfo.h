//===- TargetInfo.h - What the compiler knows of a machine -----*- C++ -*-===//
//
// LLVM's triple, CPU and features, and facts LLVM does not give. Each ISA's
// facts are a table in lib/Target/<ISA>.cpp, each number with its source.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TARGET_TARGETINFO_H
#define BITNETC_TARGET_TARGETINFO_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <algorithm>
#include <set>
#include <string>

namespace bitnetc {

/// A machine to generate code for.
struct TargetInfo {
  enum class Arch { X86_64, AArch64 };

  std::string triple;   // e.g. "x86_64-unknown-linux-gnu"
  std::string cpu;      // LLVM's name; never "native"
  std::string features; // "+avx2,-avx512f": on top of the cpu's own
  Arch arch = Arch::X86_64;
  /// All LLVM features the machine has, the cpu's own included ("avx512vnni").
  std::set<std::string, std::less<>> has;

  /// Widest vector register, in bytes: 16, 32 or 64.
  unsigned vectorBytes = 16;
  /// Number of vector registers.
  unsigned vectorRegisters = 16;
  /// Largest unsigned byte that one exact dot-product instruction takes: 255
  /// for u8 x s8 (VNNI, usdot), 127 for s8 x s8 (sdot) or vpmaddubsw.
  unsigned dotMax = 127;
  /// Sustained bytes per cycle and core from memory beyond the caches, for the
  /// cost model: 24 GB/s at 4 GHz, measured on a Sapphire Rapids class core. No
  /// other machine was measured, so all have this number.
  double memoryBytesPerCycle = 6;
  /// For the cost model, counted on registers of vectorBytes: instructions of
  /// one exact dot product; instructions a cycle of a loop of dot products, and
  /// how many of them may be dot products; instructions a cycle of a loop of
  /// table lookups.
  unsigned dotInstructions = 1;
  double dotLoopRate = 2, dotsPerCycle = 2, lookupLoopRate = 2;
  /// Row tiles that one thread reads side by side when it multiplies a single
  /// token: more streams keep more cache lines in flight.
  unsigned streams = 1;
  /// Tokens of one matrix-tile product (`ternary.tile_dot`), 0: the machine has
  /// none.
  unsigned tileTokens = 0;
  /// One exact s8 x s8 dot-product instruction exists (sdot).
  bool signedDot = false;
  /// Vectors of bytes have a multiplication (NEON mul; x86 has none).
  bool byteMultiply = false;

  bool hasFeature(llvm::StringRef feature) const {
    return has.count(std::string(feature)) != 0;
  }
  /// How many bytes ahead of a loop over `streams` tiles to prefetch. Without
  /// it a core has few cache lines in flight: the loop's waiting dot products
  /// fill the scheduler. Measured from DRAM on a Sapphire Rapids class core:
  /// +3 KB in each of two streams, +8 KB in one (2.5 times as fast as none).
  int64_t getPrefetchBytes(unsigned streams) const {
    return streams > 1 ? 3072 : 8192;
  }
  /// Cycles for 64 packed bytes of a loop of dot products, `others`
  /// instructions and `dots` products for each register.
  double getDotLoopCycles(double others, double dots) const {
    return 64.0 / vectorBytes *
           std::max((others + dots * dotInstructions) / dotLoopRate,
                    dots / dotsPerCycle);
  }
  /// Bits of runtime/include/bitnet/cpu_features.def the code may need.
  uint64_t getRuntimeFeatureBits() const;
};

/// Resolves `--target`, `--cpu` and `--mattr`. An empty triple is the host's;
/// cpu "native" (host triple only) means this machine's feature bits, never
/// its model name; an empty cpu is "native" for the host and the baseline
/// (x86-64-v3, armv8.2-a with dotprod) else.
llvm::Expected<TargetInfo> resolveTarget(llvm::StringRef triple,
                                         llvm::StringRef cpu,
                                         llvm::StringRef features);

/// Stores the target in the module: `bitnet.target = {triple, cpu, features}`.
void setTarget(mlir::ModuleOp module, const TargetInfo &target);
/// Reads it back; a module without one gets x86-64-v3, so that passes can be
/// tested alone. Emits an error at the module when the attribute is wrong.
mlir::FailureOr<TargetInfo> getTarget(mlir::Operation *op);

} // namespace bitnetc

#endif // BITNETC_TARGET_TARGETINFO_H
