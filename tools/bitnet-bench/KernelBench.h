//===- KernelBench.h - Measure single products -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_KERNELBENCH_H
#define BITNETC_TOOLS_BENCH_KERNELBENCH_H

#include "Options.h"

namespace bitnetc::bench {

/// Measures every combination of shape, format, tokens and threads; writes the
/// roofline plot if there should be one.
llvm::Expected<Report> runKernelBench(const Options &options);

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_KERNELBENCH_H
