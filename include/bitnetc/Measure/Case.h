//===- Case.h - One product, measured ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_MEASURE_CASE_H
#define BITNETC_MEASURE_CASE_H

#include "bitnetc/Measure/Product.h"
#include "bitnetc/Measure/Samples.h"
#include "bitnetc/Measure/Threads.h"
#include <string>

namespace bitnetc::measure {

/// One matrix of random weights in one format, as often as fits into a
/// footprint: calls go through the copies in order, so that each finds its
/// bytes where a model of that size would.
struct Matrix {
  Matrix(int64_t n, int64_t k, std::string format, uint64_t footprint);

  int64_t n, k;
  std::string format; // "auto": the product resolves it
  uint64_t footprint; // bytes
  std::vector<int8_t> weights;
  /// Made by the first Case: packed matrices and their scales.
  Buffer buffer;
  uint64_t copies = 0, stride = 0;
};

/// The product of one matrix and a number of tokens.
class Case {
public:
  /// Compiles the product and checks its result. `matrix` and `threads` must
  /// outlive the case.
  static llvm::Expected<std::unique_ptr<Case>> create(Matrix &matrix,
                                                      int64_t tokens,
                                                      Threads &threads,
                                                      const TargetInfo &target);

  /// Takes samples for `seconds`.
  void measure(double seconds);

  const Matrix &getMatrix() const { return matrix; }
  const Product &getProduct() const { return product; }
  unsigned getThreads() const { return threads.size(); }
  /// Seconds of one call, of all samples.
  llvm::ArrayRef<double> getSamples() const { return samples; }

private:
  Case(Matrix &matrix, Threads &threads, Product product)
      : matrix(matrix), threads(threads), product(std::move(product)) {}
  llvm::Error prepare();
  llvm::Error check();
  void call();

  Matrix &matrix;
  Threads &threads;
  Product product;
  std::vector<float> inverse;
  std::vector<int32_t> sums;
  // Rows of activations start at cache lines, as in a model.
  Buffer activations, arena, result;
  uint64_t next = 0;  // copy
  uint64_t calls = 1; // of a sample
  std::vector<double> samples;
};

} // namespace bitnetc::measure

#endif // BITNETC_MEASURE_CASE_H
