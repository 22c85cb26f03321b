//===- Roofline.h - Measured kernels below the machine's limits -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BENCH_ROOFLINE_H
#define BITNETC_TOOLS_BENCH_ROOFLINE_H

#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace bitnetc::bench {

/// Operations per byte of weights against operations per second, both on
/// logarithmic scales: a kernel is below the slope of the memory or below the
/// flat roof of the arithmetic.
struct Roofline {
  struct Roof {
    std::string name;
    double value; // GB/s of a slope, Gop/s of a flat roof
  };
  struct Point {
    std::string name;   // what tells it from others
    std::string series; // points of one series have one colour
    double opsPerByte, gops;
  };
  std::string title;
  std::vector<Roof> slopes, roofs;
  std::vector<Point> points;

  void writeSvg(llvm::raw_ostream &os) const;
};

} // namespace bitnetc::bench

#endif // BITNETC_TOOLS_BENCH_ROOFLINE_H
