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

/// A level of the memory and how fast one core reads weights from it.
struct MemoryLevel {
  const char *name;
  double bytes;              // what fits; without meaning for the last level
  bool perCore;              // each core has so many bytes, else all together
  double gigabytesPerSecond; // of one core that prefetches
};

/// What a core does in a second. Only predicted times come from these numbers,
/// never results; `bitnetc --tune` says how far they are off on a machine.
struct Speed {
  double gigahertz = 3.6; // in loops of wide vectors
  MemoryLevel levels[3] = {};
  double tileCycles = 0;    // of one product of matrix tiles, with its loads
  double rescaleCycles = 0; // to make 16 products of one token floats
  double tableCycles = 0;   // to build the tables of 4 columns of one token
  double startMicroseconds = 0; // of a product on several threads
};

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
  Speed speed;
  /// For the cost model, counted on registers of vectorBytes: instructions of
  /// one exact dot product; instructions a cycle of a loop of dot products, and
  /// how many of them may be dot products; instructions a cycle of a loop of
  /// table lookups.
  unsigned dotInstructions = 1;
  /// Instructions of one product of pairs in 16 bits (`ternary.dot2`), where
  /// dot products are more than that; 0: they are not.
  unsigned pairInstructions = 0;
  double dotLoopRate = 2, dotsPerCycle = 2, lookupLoopRate = 2;
  /// Row tiles that one thread reads side by side when it multiplies a single
  /// token: more streams keep more cache lines in flight.
  unsigned streams = 1;
  /// Least distance of these tiles, in bytes. Measured from DRAM on a Sapphire
  /// Rapids class core: 80 to 240 KB are equal, 40 KB costs 5 %, 480 KB and
  /// more 10 %.
  int64_t streamDistance = 80 << 10;
  /// Results are stored past the caches where weights come from memory, if
  /// caches would not keep them. Measured from DRAM on a Sapphire Rapids class
  /// core: a single token, with one scale for 16 rows, 9 to 14 % faster, a loop
  /// is then as fast as a plain streaming read; prompts 3 to 9 %.
  bool nontemporalResults = false;
  /// More than one register of work for each packed byte keeps a core busy for
  /// about as long as the byte takes to arrive, and a single stream leaves too
  /// few reads in flight for both to go on at once. So the next row tile is
  /// brought into the second cache meanwhile, as this many streams; 0: it is
  /// not.
  unsigned nextTileParts = 0;
  /// Tokens of one matrix-tile product (`ternary.tile_dot`), 0: the machine has
  /// none.
  unsigned tileTokens = 0;
  /// Fewer tokens are never multiplied with matrix tiles; 0 without them.
  unsigned leastTileTokens = 0;
  /// Cycles for 64 packed bytes of the product of up to `tileTokens` tokens in
  /// one matrix tile (`emitMatrixTiles`).
  double tokenTileCycles = 0;
  /// Least tokens for which a target without matrix tiles decodes a row tile
  /// for all of them; 0: it never does.
  unsigned panelTokens = 0;
  /// One exact s8 x s8 dot-product instruction exists (sdot).
  bool signedDot = false;
  /// Vectors of bytes have a multiplication (NEON mul; x86 has none).
  bool byteMultiply = false;
  /// 16-bit words are looked up in tables of 32 by one instruction.
  bool wordLookup = false;
  /// Instructions of a lookup of bytes in a table of 32.
  unsigned wideLookupInstructions = 1;

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
  /// instructions and `dots` products for each register, in 32 bits or as
  /// pairs in 16.
  double getDotLoopCycles(double others, double dots,
                          bool pairs = false) const {
    double instructions = pairs ? pairInstructions : dotInstructions;
    return 64.0 / vectorBytes *
           std::max((others + dots * instructions) / dotLoopRate,
                    dots / dotsPerCycle);
  }
  /// Bits of runtime/include/bitnet/cpu_features.def the code may need.
  uint64_t getRuntimeFeatureBits() const;
  /// Their names.
  std::set<std::string> getRuntimeFeatures() const;
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
