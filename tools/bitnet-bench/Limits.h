//===- Limits.h - What this machine can do at best -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_LIMITS_H
#define BITNETC_TOOLS_BENCH_LIMITS_H

#include "bitnetc/Measure/Samples.h"
#include "bitnetc/Measure/Threads.h"
#include "bitnetc/Target/TargetInfo.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace bitnetc::bench {

using measure::Buffer;
using measure::Threads;

/// Reads a buffer from front to back and around, and does nothing with it: the
/// rate that no kernel can be expected to beat. Several ways are tried, because
/// the best number of streams differs between machines and cache levels.
class StreamingRead {
public:
  StreamingRead(const Buffer &buffer, uint64_t footprint);

  static llvm::ArrayRef<unsigned> streamCounts();
  /// Reads for `seconds` with every number of streams and keeps the samples.
  void measure(Threads &threads, double seconds);
  /// Of the samples of the fastest way, the median or another percentile, in
  /// GB/s; 0 if nothing was measured.
  double gigabytesPerSecond(double fraction = 0.5) const;

private:
  const uint8_t *data;
  uint64_t footprint, position = 0;
  std::vector<std::vector<double>> samples; // of each stream count
};

/// One kind of multiplication and how many operations (a multiplication and an
/// addition are two) it does on all threads.
struct Peak {
  std::string name;
  double gops;
};

/// Peaks of the exact int8 instructions of `target`, by running them on
/// registers; empty where there is no measurement for the architecture.
std::vector<Peak> measurePeaks(Threads &threads, const TargetInfo &target);

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_LIMITS_H
