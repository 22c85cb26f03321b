//===- npy.h - Write a matrix as a NumPy file -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_NPY_H
#define BITNET_SRC_NPY_H

#include "error.h"

#include <cstdint>
#include <cstdio>
#include <string>

namespace bitnet {

/// Writes a float32 matrix [rows, columns] in NumPy's format 1.0, row after
/// row, so that logits of a long text never have to be in memory at once. The
/// file appears under its name only when it is complete.
class NpyWriter {
public:
  NpyWriter() = default;
  /// Removes what was written unless close() succeeded.
  ~NpyWriter();
  NpyWriter(const NpyWriter &) = delete;
  NpyWriter &operator=(const NpyWriter &) = delete;

  Error open(const std::string &path, uint64_t rows, uint64_t columns);
  /// Appends `rows` rows of the matrix.
  Error append(const float *values, uint64_t rows);
  /// Finishes the file. Fails if it is not whole.
  Error close();

private:
  Error failure(const char *what);
  void discard();

  FILE *file = nullptr;
  std::string name, temporary; // temporary is empty for devices and pipes
  uint64_t columns = 0, missingRows = 0;
};

} // namespace bitnet

#endif // BITNET_SRC_NPY_H
