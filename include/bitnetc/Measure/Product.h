//===- Product.h - One ternary product, compiled and loaded ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_MEASURE_PRODUCT_H
#define BITNETC_MEASURE_PRODUCT_H

#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Target/TargetInfo.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/Error.h"

namespace bitnetc::measure {

/// An N x K matrix times `tokens` activations.
struct Shape {
  int64_t n, k, tokens;
};

/// Bytes between the activations of one token and those of the next, as in a
/// model.
int64_t getActivationPitch(const Shape &shape);

/// What one call reads and writes.
struct ProductCall {
  const void *weights; // Product::weightsBytes: the matrix, then its scales
  void *arena;         // Product::arenaBytes
  void *team;          // bn_team *
  const int8_t *activations; // tokens x pitch; zeros behind the K columns
  const float *inverse;      // tokens
  const int32_t *sums;       // tokens: of the activations
  float *result;             // tokens x N, starts at a cache line
};

/// A product of one shape in one format as bitnetc compiles it: the same
/// passes and code generation as a model's, with an entry point of its own.
class Product {
public:
  /// `target` must be this machine or less. A format "auto" is chosen as
  /// bitnetc chooses it. `footprint` is what stands for the bytes that a token
  /// of a model reads.
  static llvm::Expected<Product> compile(const Shape &shape,
                                         llvm::StringRef format,
                                         const TargetInfo &target,
                                         uint64_t footprint);

  void run(const ProductCall &call) const;

  Shape shape;
  const PackingFormat *format = nullptr;
  int64_t matrixBytes = 0;  // packed
  int64_t scalesOffset = 0; // of ternary::getSharedScales(n) floats
  int64_t weightsBytes = 0, arenaBytes = 0;

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void *entry = nullptr;
};

} // namespace bitnetc::measure

#endif // BITNETC_MEASURE_PRODUCT_H
