//===- HeadTable.cpp - How heads of integers are stored -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace bitnetc;
using bitnet::kHeadGroup, bitnet::kHeadTileRows, bitnet::kInt4GroupBytes,
    bitnet::kInt7GroupBytes;

bool bitnetc::isHeadPrecision(llvm::StringRef name) {
  return name == "f16" || name == "bf16" || name == "int8" || name == "int4";
}

llvm::StringRef bitnetc::getHeadSuffix(unsigned bits) {
  for (const HeadSuffix &suffix : kHeadSuffixes)
    if (suffix.bits == bits)
      return suffix.name;
  llvm_unreachable("no head has so many bits");
}

uint16_t bitnetc::roundToBF16(float value) {
  uint32_t word = llvm::bit_cast<uint32_t>(value);
  return (word + 0x7fff + (word >> 16 & 1)) >> 16;
}

uint16_t bitnetc::roundToF16(float value) {
  uint32_t word = llvm::bit_cast<uint32_t>(value);
  uint16_t sign = word >> 16 & 0x8000;
  float magnitude = std::fabs(value);
  // Halfway from the largest number to what would be the next one.
  if (magnitude >= 65520)
    return sign | 0x7c00;
  // Below 2^-14 numbers are multiples of 2^-24.
  if (magnitude < 0x1p-14f)
    return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24f));
  word = llvm::bit_cast<uint32_t>(magnitude);
  // The exponent's bias goes from 127 to 15, 13 bits are rounded away.
  return sign | (word - (112u << 23) + 0xfff + (word >> 13 & 1)) >> 13;
}

static float fromBFloat(uint16_t half) {
  return llvm::bit_cast<float>(uint32_t(half) << 16);
}

static int toInt4(float scaled) {
  float nearest = scaled + (scaled < 0 ? -0.5f : 0.5f);
  return static_cast<int>(std::clamp(nearest, -8.0f, 7.0f));
}

/// Quantises one group of a row and returns its scale, the one of several that
/// leaves the smallest squared error: one that cuts the largest element off a
/// little is often better than one that holds it.
static uint16_t quantizeGroup(llvm::ArrayRef<float> group, int8_t *q) {
  float extreme = 0;
  for (float value : group)
    if (std::fabs(value) > std::fabs(extreme))
      extreme = value;
  uint16_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  // -8 is there, 8 is not: the extreme element becomes about -8.
  for (int eighths = 52; eighths <= 72; eighths += 2) {
    uint16_t half = roundToBF16(extreme / (eighths * -0.125f));
    float scale = fromBFloat(half);
    float inverse = scale == 0 ? 0 : 1 / scale;
    double error = 0;
    if (!std::isfinite(inverse))
      continue; // denormal
    for (float value : group) {
      float rest = value - scale * toInt4(value * inverse);
      error += double(rest) * rest;
    }
    if (error < least)
      best = half, least = error;
  }
  float scale = fromBFloat(best), inverse = scale == 0 ? 0 : 1 / scale;
  for (size_t i = 0; i != group.size(); ++i)
    q[i] = toInt4(group[i] * inverse);
  return best;
}

/// Numbers of 8 bits, or even ones, of which every eighth step is in the lowest
/// bits of the others.
static void packSketch(unsigned bits, llvm::ArrayRef<float> row, int64_t lane,
                       llvm::MutableArrayRef<uint8_t> bytes,
                       llvm::MutableArrayRef<float> facts) {
  std::vector<int8_t> q(row.size());
  SketchedRow sketch = sketchRow(row, q, bits);
  constexpr size_t steps = kHeadGroup / 4;
  for (size_t k = 0; k != row.size(); ++k) {
    size_t step = k / 4, place = lane * 4 + k % 4;
    if (bits == 8) {
      bytes[step * 64 + place] = q[k];
      continue;
    }
    uint8_t *group = bytes.data() + step / steps * kInt7GroupBytes;
    if (step % steps != steps - 1)
      group[step % steps * 64 + place] |= uint8_t(q[k]);
    else
      for (size_t s = 0; s != steps - 1; ++s)
        group[s * 64 + place] |= uint8_t(q[k]) >> (7 - s) & 1;
  }
  const float values[] = {sketch.scale, sketch.sum, sketch.bound,
                          sketch.length};
  for (int64_t i = 0; i != 4; ++i)
    facts[i * kHeadTileRows + lane] = values[i];
}

static void packInt4(llvm::ArrayRef<float> row, int64_t lane,
                     llvm::MutableArrayRef<uint8_t> bytes,
                     llvm::MutableArrayRef<float> facts) {
  double sum = 0;
  for (size_t first = 0; first < row.size(); first += kHeadGroup) {
    llvm::ArrayRef<float> group =
        row.slice(first, std::min<size_t>(kHeadGroup, row.size() - first));
    uint8_t *out = bytes.data() + first / kHeadGroup * kInt4GroupBytes;
    int8_t q[kHeadGroup] = {};
    float scale = fromBFloat(quantizeGroup(group, q));
    // Kernels multiply the upper halves of bytes: 16 q.
    uint16_t stored = roundToBF16(scale / 16);
    out[2 * lane] = stored & 255;
    out[2 * lane + 1] = stored >> 8;
    for (int64_t k = 0; k != kHeadGroup; ++k) {
      sum += double(fromBFloat(stored)) * 16 * q[k];
      uint8_t &byte = out[32 + k / 8 * 64 + lane * 4 + k % 4];
      byte |= (q[k] & 15) << (k % 8 < 4 ? 0 : 4);
    }
  }
  facts[lane] = static_cast<float>(sum);
}

void bitnetc::packHeadTile(unsigned bits, llvm::ArrayRef<float> rows,
                           int64_t columns,
                           llvm::MutableArrayRef<uint8_t> bytes,
                           llvm::MutableArrayRef<float> facts) {
  std::fill(bytes.begin(), bytes.end(), 0);
  std::fill(facts.begin(), facts.end(), 0);
  int64_t count = rows.size() / columns;
  for (int64_t lane = 0; lane != count; ++lane) {
    llvm::ArrayRef<float> row = rows.slice(lane * columns, columns);
    if (bits == 4)
      packInt4(row, lane, bytes, facts);
    else
      packSketch(bits, row, lane, bytes, facts);
  }
  // No peak is made of rows that do not exist.
  if (bits != 4)
    std::fill(facts.begin() + 2 * kHeadTileRows + count,
              facts.begin() + 3 * kHeadTileRows,
              std::numeric_limits<float>::infinity());
}
