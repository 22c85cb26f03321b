//===- Samples.cpp - Memory to measure in, and percentiles ----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Measure/Samples.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <sys/mman.h>

using namespace bitnetc;
using namespace bitnetc::measure;

/// Large pages of x86-64 and AArch64 with 4 KB granules.
static constexpr uint64_t largePage = 2 << 20;
llvm::Expected<Buffer> Buffer::allocate(uint64_t bytes) {
  Buffer buffer;
  bytes = llvm::alignTo(bytes, largePage);
  void *base = mmap(nullptr, bytes + largePage, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return makeError(
        llvm::formatv(
            "{0} MB of memory: expected to get them, "
            "but got none; free some, or lower --megabytes of bitnet-bench",
            bytes >> 20)
            .str());
  // Trim to whole large pages.
  uintptr_t begin = reinterpret_cast<uintptr_t>(base);
  uintptr_t first = llvm::alignTo(begin, largePage);
  if (first != begin)
    munmap(base, first - begin);
  if (uint64_t rest = begin + largePage - first)
    munmap(reinterpret_cast<void *>(first + bytes), rest);
  buffer.base = reinterpret_cast<uint8_t *>(first);
  buffer.size = bytes;
  madvise(buffer.base, bytes, MADV_HUGEPAGE);
  // Not zeros: one page of zeros may stand for all of them.
  for (uint64_t at = 0; at < bytes; at += 4096)
    buffer.base[at] = 1;
  return std::move(buffer);
}

Buffer::~Buffer() {
  if (base)
    munmap(base, size);
}

double measure::percentile(llvm::ArrayRef<double> samples, double fraction) {
  std::vector<double> values = samples;
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  double at = fraction * (values.size() - 1);
  size_t below = static_cast<size_t>(at);
  size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - below) * (values[above] - values[below]);
}
