//===- Limits.cpp - What this machine can do at best ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Limits.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

using namespace bitnetc;
using namespace bitnetc::bench;
using namespace bitnetc::measure;

/// Bytes that one thread reads in a row: long enough to hide the start of the
/// streams, short enough to share a small footprint out.
static constexpr uint64_t pieceBytes = 256 << 10;
/// Bytes of one timed read, per thread.
static constexpr uint64_t sampleBytes = 4 << 20;
/// How far ahead of each stream to prefetch. Measured from DRAM on a
/// Sapphire Rapids class core: 1 to 4 KB are equal, more is slower.
static constexpr uint64_t prefetchBytes = 1024;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// A cache line. Compilers split it into the registers they have.
typedef uint64_t Line __attribute__((vector_size(64)));

/// Reads `bytes` (a multiple of 64 * S) as S streams side by side.
template <unsigned S>
[[gnu::always_inline]] inline uint64_t readStreams(const uint8_t *data,
                                                   uint64_t bytes) {
  uint64_t part = bytes / S;
  Line sum[S] = {};
  for (uint64_t at = 0; at < part; at += 64)
#pragma clang loop unroll(full)
    for (unsigned s = 0; s < S; ++s) {
      const uint8_t *line = data + s * part + at;
      __builtin_prefetch(line + prefetchBytes, 0, 3);
      sum[s] |= *reinterpret_cast<const Line *>(line);
    }
  uint64_t all = 0;
  for (const Line &lane : sum)
    for (unsigned i = 0; i < 8; ++i)
      all |= lane[i];
  return all;
}

// The tool is compiled for any CPU; these for the registers that kernels use.
#define BENCH_READERS(SUFFIX, ATTRIBUTE)                                       \
  [[ATTRIBUTE]] uint64_t read##SUFFIX(const uint8_t *data, uint64_t bytes,     \
                                      unsigned streams) {                      \
    return streams == 1   ? readStreams<1>(data, bytes)                        \
           : streams == 2 ? readStreams<2>(data, bytes)                        \
                          : readStreams<4>(data, bytes);                       \
  }
BENCH_READERS(Baseline, gnu::noinline)
#ifdef __x86_64__
BENCH_READERS(Avx2, gnu::target("avx2"))
BENCH_READERS(Avx512, gnu::target("avx512f"))
#endif
#undef BENCH_READERS

using Reader = uint64_t (*)(const uint8_t *, uint64_t, unsigned);

Reader getReader() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f"))
    return readAvx512;
  if (__builtin_cpu_supports("avx2"))
    return readAvx2;
#endif
  return readBaseline;
}

} // namespace

static constexpr unsigned allStreamCounts[] = {1, 2, 4};

llvm::ArrayRef<unsigned> StreamingRead::streamCounts() {
  return allStreamCounts;
}

StreamingRead::StreamingRead(const Buffer &buffer, uint64_t footprint)
    : data(buffer.data()),
      footprint(std::min(footprint, buffer.bytes()) & ~uint64_t(4095)),
      samples(std::size(allStreamCounts)) {}

void StreamingRead::measure(Threads &threads, double seconds) {
  static const Reader reader = getReader();
  uint64_t chunk = std::min(footprint, threads.size() * sampleBytes);
  uint64_t piece =
      std::clamp(llvm::alignDown(chunk / threads.size(), uint64_t(4096)),
                 uint64_t(4096), pieceBytes);
  uint64_t pieces = std::max<uint64_t>(chunk / piece, 1);
  // Small footprints are read over and over in one sample: waking threads
  // would be part of the result.
  uint64_t repeats = std::max<uint64_t>(sampleBytes / chunk, 1);
  for (size_t i = 0; i < std::size(allStreamCounts); ++i) {
    unsigned streams = allStreamCounts[i];
    double end = now() + seconds;
    do {
      if (position + chunk > footprint)
        position = 0;
      double start = now();
      threads.run(pieces, [&](uint64_t begin, uint64_t last) {
        for (uint64_t repeat = 0; repeat < repeats; ++repeat) {
          volatile uint64_t sink = reader(data + position + begin * piece,
                                          (last - begin) * piece, streams);
          (void)sink;
        }
      });
      samples[i].push_back(1e-9 * pieces * piece * repeats / (now() - start));
      position += chunk;
    } while (now() < end);
  }
}

double StreamingRead::gigabytesPerSecond(double fraction) const {
  double best = 0;
  for (const std::vector<double> &rates : samples)
    best = std::max(best, percentile(rates, fraction));
  return best;
}

//===----------------------------------------------------------------------===//
// Multiplying
//===----------------------------------------------------------------------===//

#ifdef __x86_64__
namespace {

// Twelve independent accumulators hide the latency (5 cycles, 2 a cycle).
#define BENCH_TWELVE(OP)                                                       \
  OP "0\n" OP "1\n" OP "2\n" OP "3\n" OP "4\n" OP "5\n" OP "6\n" OP "7\n" OP   \
     "8\n" OP "9\n" OP "10\n" OP "11\n"
#define BENCH_CLOBBERS                                                         \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",      \
      "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"

[[gnu::noinline,
  gnu::target("avx512f,avx512vnni")]] void multiply512(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    asm volatile(BENCH_TWELVE("vpdpbusd %%zmm15,%%zmm14,%%zmm")::
                     : BENCH_CLOBBERS);
}
[[gnu::noinline, gnu::target("avx2,avxvnni")]] void
multiply256(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    asm volatile(BENCH_TWELVE("%{vex%} vpdpbusd %%ymm15,%%ymm14,%%ymm")::
                     : BENCH_CLOBBERS);
}
/// vpmaddubsw and the addition that its 16-bit sums need.
[[gnu::noinline, gnu::target("avx2")]] void multiplyAvx2(uint64_t count) {
#define BENCH_STEP(ACC, TMP)                                                   \
  "vpmaddubsw %%ymm14,%%ymm15,%%ymm" TMP "\nvpaddw %%ymm" TMP ",%%ymm" ACC     \
  ",%%ymm" ACC "\n"
  for (uint64_t i = 0; i < count; ++i)
    asm volatile(BENCH_STEP("0", "8") BENCH_STEP("1", "9") BENCH_STEP("2", "10")
                     BENCH_STEP("3", "11") BENCH_STEP("4", "8")
                         BENCH_STEP("5", "9") BENCH_STEP("6", "10")
                             BENCH_STEP("7", "11") BENCH_STEP("0", "8")
                                 BENCH_STEP("1", "9") BENCH_STEP("2", "10")
                                     BENCH_STEP("3", "11")::
                                         : BENCH_CLOBBERS);
#undef BENCH_STEP
}

/// The operand of ldtilecfg: eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t columnBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

[[gnu::noinline, gnu::target("amx-tile,amx-int8")]] void
multiplyTiles(uint64_t count) {
  TileConfig config;
  asm volatile("ldtilecfg %0\n"
               "tilezero %%tmm6\ntilezero %%tmm7"
               :
               : "m"(config));
  for (uint64_t i = 0; i < count; ++i)
    asm volatile("tdpbssd %tmm7,%tmm6,%tmm0\ntdpbssd %tmm7,%tmm6,%tmm1\n"
                 "tdpbssd %tmm7,%tmm6,%tmm2\ntdpbssd %tmm7,%tmm6,%tmm3\n"
                 "tdpbssd %tmm7,%tmm6,%tmm4\ntdpbssd %tmm7,%tmm6,%tmm5");
  asm volatile("tilerelease");
}

/// One instruction: what it needs, and multiply-adds of one call's iteration.
struct Multiplier {
  const char *name;
  const char *feature;
  void (*run)(uint64_t count);
  double products;
};
constexpr Multiplier multipliers[] = {
    {"AMX tdpbssd", "amx-int8", multiplyTiles, 6 * 16 * 16 * 64},
    {"vpdpbusd zmm", "avx512vnni", multiply512, 12 * 64},
    {"vpdpbusd ymm", "avxvnni", multiply256, 12 * 32},
    {"vpmaddubsw+vpaddw ymm", "avx2", multiplyAvx2, 12 * 32},
};

} // namespace

std::vector<Peak> bench::measurePeaks(Threads &threads,
                                      const TargetInfo &target) {
  std::vector<Peak> peaks;
  for (const Multiplier &multiplier : multipliers) {
    if (!target.hasFeature(multiplier.feature) ||
        (target.vectorBytes < 64 &&
         llvm::StringRef(multiplier.name).contains("zmm")))
      continue;
    // About 0.3 ms at 64 products a nanosecond and instruction.
    uint64_t count =
        0.3e6 * (multiplier.products > 1e4 ? 3500 : 300) / multiplier.products;
    std::vector<double> rates;
    for (int sample = 0; sample < 200; ++sample) {
      double start = now();
      threads.run(threads.size(), [&](uint64_t begin, uint64_t end) {
        multiplier.run((end - begin) * count);
      });
      rates.push_back(2e-9 * multiplier.products * count * threads.size() /
                      (now() - start));
    }
    // What it can do, not what it did: others were on the machine.
    peaks.push_back({multiplier.name, percentile(rates, 0.9)});
  }
  return peaks;
}
#else
std::vector<Peak> bench::measurePeaks(Threads &, const TargetInfo &) {
  return {};
}
#endif
