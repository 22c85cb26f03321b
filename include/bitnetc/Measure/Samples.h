//===- Samples.h - Memory to measure in, and percentiles -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_MEASURE_SAMPLES_H
#define BITNETC_MEASURE_SAMPLES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace bitnetc::measure {

/// Memory of large pages where the kernel gives them, so that a measurement is
/// not one of address translation; touched, so that it is there.
class Buffer {
public:
  static llvm::Expected<Buffer> allocate(uint64_t bytes);
  Buffer() = default;
  Buffer(Buffer &&other) noexcept : base(other.base), size(other.size) {
    other.base = nullptr;
  }
  Buffer &operator=(Buffer &&other) noexcept {
    std::swap(base, other.base);
    std::swap(size, other.size);
    return *this;
  }
  ~Buffer();

  uint8_t *data() const { return base; }
  uint64_t bytes() const { return size; }

private:
  uint8_t *base = nullptr;
  uint64_t size = 0;
};

/// The value below which `fraction` of the sorted samples lie.
double percentile(llvm::ArrayRef<double> samples, double fraction);

} // namespace bitnetc::measure

#endif // BITNETC_MEASURE_SAMPLES_H
