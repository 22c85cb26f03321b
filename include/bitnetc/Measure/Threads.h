//===- Threads.h - The runtime's threads, for measurements -----*- C++ -*-===//
//
// Kernels are measured on the same team of threads that produced executables
// run them on, and limits on the same team as kernels.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_MEASURE_THREADS_H
#define BITNETC_MEASURE_THREADS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <string>

namespace bitnetc::measure {

class Threads {
public:
  /// At least one.
  static llvm::Expected<std::unique_ptr<Threads>> start(unsigned count);
  ~Threads();

  unsigned size() const;
  /// body(begin, end) over disjoint parts of 0..count on all threads.
  void run(uint64_t count,
           llvm::function_ref<void(uint64_t begin, uint64_t end)> body);
  /// The `bn_team *` that generated code wants.
  void *team();

private:
  Threads();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Asks the kernel for what code with these bits of cpu_features.def needs;
/// fails if this CPU lacks any.
llvm::Error prepareMachine(uint64_t featureBits);

/// Physical cores that this process may use.
unsigned defaultThreads();

/// Seconds of a clock that never goes back.
double now();

/// "1 thread", "2 threads".
std::string describeThreads(unsigned count);
/// The machine's average load of the last minute, and of how many CPUs.
std::string describeLoad();
/// The model name of the CPU, as the kernel says it.
std::string describeCpu();

} // namespace bitnetc::measure

#endif // BITNETC_MEASURE_THREADS_H
