//===- Options.h - The command line of bitnet-bench ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_OPTIONS_H
#define BITNETC_TOOLS_BENCH_OPTIONS_H

#include "Report.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace bitnetc::bench {

/// Rows and columns of a matrix.
struct MatrixShape {
  int64_t n, k;
};

struct Options {
  enum class Mode { Help, Kernel, Model } mode = Mode::Help;
  // Of both modes.
  std::vector<unsigned> threads = {1};
  unsigned runs = 5; // rounds
  ReportFormat format = ReportFormat::Table;
  // Of `kernel`.
  std::vector<MatrixShape> shapes = {{6912, 2560}};
  std::vector<int64_t> tokens = {1};
  std::vector<std::string> formats = {"auto"};
  std::string cpu = "native", features;
  std::string level = "dram";
  uint64_t megabytes = 0; // 0: that of the level
  double seconds = 0.2;   // of each configuration in a round
  double peak = 0;        // Gop/s, 0: measured
  std::string svg;
  // Of `model`.
  std::vector<std::string> programs;
  unsigned prompt = 512, predict = 128;
};

/// Parses what follows the program's name.
llvm::Expected<Options> parseOptions(llvm::ArrayRef<llvm::StringRef> arguments);

/// The text of --help.
std::string getHelp();

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_OPTIONS_H
