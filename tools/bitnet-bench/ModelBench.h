//===- ModelBench.h - Measure executables that bitnetc made ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_MODELBENCH_H
#define BITNETC_TOOLS_BENCH_MODELBENCH_H

#include "Options.h"

namespace bitnetc::bench {

/// Runs every program with every number of threads in turns.
llvm::Expected<Report> runModelBench(const Options &options);

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_MODELBENCH_H
