//===- Spec.h - Formats that were chosen by measuring ----------*- C++ -*-===//
//
// What `bitnetc --tune` writes and `bitnetc --spec` reads: a JSON object
//
//   {"bitnetc_spec": 1,
//    "target": {"triple": "x86_64-pc-linux-gnu", "features": ["avx2", ...]},
//    "threads": 2,
//    "matrices": [
//      {"rows": 3840, "columns": 2560, "format": "t5",
//       "microseconds": {"t5": {"decode": 278.1, ...}, ...}}]}
//
// Formats are chosen by shape, so one file serves models of equal shapes.
// `threads` and `microseconds` say where the choice comes from; only `format`
// is obeyed.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_PIPELINE_SPEC_H
#define BITNETC_PIPELINE_SPEC_H

#include "bitnetc/Target/TargetInfo.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace bitnetc {

/// The choice for the matrices of one shape.
struct SpecMatrix {
  /// Measured times of one format, by the names of phases.
  struct Times {
    std::string format;
    std::vector<std::pair<std::string, double>> microseconds;
  };
  int64_t rows = 0, columns = 0;
  std::string format;
  std::vector<Times> measured;
};

struct Spec {
  unsigned threads = 1;
  std::vector<SpecMatrix> matrices;

  /// The choice for a shape, null if there is none.
  const SpecMatrix *find(int64_t rows, int64_t columns) const;
};

/// Reads a file that was measured on `target`'s features; another one, an
/// unknown format and anything that is not such a file is an error.
llvm::Expected<Spec> readSpec(llvm::StringRef file, const TargetInfo &target);

/// Writes `file` as a whole or not at all.
llvm::Error writeSpec(const Spec &spec, const TargetInfo &target,
                      llvm::StringRef file);

} // namespace bitnetc

#endif // BITNETC_PIPELINE_SPEC_H
