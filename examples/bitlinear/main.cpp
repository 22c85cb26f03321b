//===- main.cpp - Runs the compiled BitLinear and checks it ---------------===//
//
// Everything that bitnetc's driver and runtime do for a whole model, for one
// layer and by hand: packs weights, takes the place of the thread pool, calls
// the compiled function and computes the same product with plain loops.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {
constexpr int64_t kTokens = 7, kRows = 100, kColumns = 200;

// Format i2 (dialects/Ternary/TernaryFormats.td): tiles of 64 rows, steps of 4
// columns and 64 bytes; byte 4*l + c of a step has column c of the rows l,
// 16+l, 32+l and 48+l of its tile, 2 bits each, weight + 1.
constexpr int64_t kSteps = kColumns / 4, kTiles = (kRows + 63) / 64;
constexpr int64_t kPackedBytes = kTiles * kSteps * 64;
// The next weight of the module starts at the next multiple of 64 bytes:
// `bitnet.weight @scale ... at 6400` in 20-tiled.mlir.
constexpr int64_t kScaleOffset = (kPackedBytes + 63) / 64 * 64;

void pack(const int8_t (*weights)[kColumns], uint8_t *bytes) {
  for (int64_t row = 0; row < kTiles * 64; ++row)
    for (int64_t column = 0; column < kColumns; ++column) {
      int code = (row < kRows ? weights[row][column] : 0) + 1;
      int64_t tile = row / 64, lane = row % 16, plane = row % 64 / 16;
      int64_t step = column / 4;
      bytes[(tile * kSteps + step) * 64 + 4 * lane + column % 4] |=
          code << (2 * plane);
    }
}

/// The layer's definition: see `bitnet.bitlinear`.
float multiply(const float *x, const int8_t *weights, float scale) {
  float largest = 1e-5f;
  for (int64_t k = 0; k < kColumns; ++k)
    largest = std::max(largest, std::fabs(x[k]));
  float s = 127.0f / largest;
  int32_t sum = 0;
  for (int64_t k = 0; k < kColumns; ++k)
    sum += int32_t(std::clamp(std::nearbyint(x[k] * s), -128.0f, 127.0f)) *
           weights[k];
  return float(sum) * (1.0f / s * scale);
}
} // namespace

extern "C" {
/// Compiled: (weights, arena, x, y, team), each memref as its two pointers,
/// offset, sizes and strides.
void bitlinear(uint8_t *weights, uint8_t *alignedWeights, int64_t weightsOffset,
               int64_t weightsSize, int64_t weightsStride, uint8_t *arena,
               uint8_t *alignedArena, int64_t arenaOffset, int64_t arenaSize,
               int64_t arenaStride, float *x, float *alignedX, int64_t xOffset,
               int64_t xRows, int64_t xColumns, int64_t xStride0,
               int64_t xStride1, float *y, float *alignedY, int64_t yOffset,
               int64_t yRows, int64_t yColumns, int64_t yStride0,
               int64_t yStride1, void *team);

/// The runtime's thread pool (runtime/include/bitnet/abi.h). Here one thread
/// does all items, the last first: results may not depend on the order.
void bn_parallel_for(void *, void *body, void *context, uint64_t count) {
  auto run = reinterpret_cast<void (*)(void *, uint64_t, uint64_t)>(body);
  for (uint64_t i = count; i-- > 0;)
    run(context, i, i + 1);
}
}

int main() {
  std::mt19937 random(1);
  static int8_t weights[kRows][kColumns];
  for (auto &row : weights)
    for (int8_t &weight : row)
      weight = int8_t(random() % 3) - 1;
  std::vector<float> x(kTokens * kColumns), y(kTokens * kRows, NAN);
  std::normal_distribution<float> normal;
  for (float &value : x)
    value = normal(random);

  size_t sectionBytes = kScaleOffset + kRows * sizeof(float);
  constexpr size_t arenaBytes = 1 << 16; // bitnet.arena_bytes is less
  auto *section = static_cast<uint8_t *>(
      std::aligned_alloc(64, (sectionBytes + 63) / 64 * 64));
  auto *arena = static_cast<uint8_t *>(std::aligned_alloc(64, arenaBytes));
  std::fill_n(section, sectionBytes, 0);
  pack(weights, section);
  auto *scale = reinterpret_cast<float *>(section + kScaleOffset);
  for (int64_t row = 0; row < kRows; ++row)
    scale[row] = 0.5f + float(row) / 64;

  bitlinear(section, section, 0, int64_t(sectionBytes), 1, arena, arena, 0,
            arenaBytes, 1, x.data(), x.data(), 0, kTokens, kColumns, kColumns,
            1, y.data(), y.data(), 0, kTokens, kRows, kRows, 1, nullptr);

  int64_t wrong = 0;
  for (int64_t token = 0; token < kTokens; ++token)
    for (int64_t row = 0; row < kRows; ++row) {
      float expected = multiply(&x[token * kColumns], weights[row], scale[row]);
      float got = y[token * kRows + row];
      if (got == expected)
        continue;
      if (++wrong <= 5)
        std::printf("token %d, output %d: expected %g, but got %g\n",
                    int(token), int(row), expected, got);
    }
  std::printf("%d of %d outputs equal the product done by hand\n",
              int(kTokens * kRows - wrong), int(kTokens * kRows));
  std::free(arena);
  std::free(section);
  return wrong != 0;
}
