//===- Formats.cpp - The list of all packing formats ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Formats.h"
#include <algorithm>
#include <cassert>

using namespace bitnetc;

llvm::ArrayRef<const PackingFormat *> bitnetc::allFormats() {
  static const PackingFormat *const formats[] = {&getI2(), &getT5(), &getTL1(),
                                                 &getTL2(), &getTL3()};
  return formats;
}

const PackingFormat *bitnetc::findFormat(llvm::StringRef name) {
  for (const PackingFormat *format : allFormats())
    if (format->getName() == name)
      return format;
  return nullptr;
}

const PackingFormat &bitnetc::getFormat(ternary::PackingFormatInterface attr) {
  const PackingFormat *format = findFormat(attr.getFormatName());
  assert(format && "a record in TernaryFormats.td without a line above");
  return *format;
}

std::optional<std::string>
bitnetc::getUnsupportedReason(ternary::PackedType matrix,
                              const TargetInfo &target) {
  if (auto reason = getFormat(matrix.getFormat()).getUnsupportedReason(target))
    return reason;
  int64_t limit = matrix.getFormat().getColumnLimit();
  if (matrix.getK() >= limit)
    return "holds fewer than " + std::to_string(limit) + " columns";
  return std::nullopt;
}

/// Vector registers that are not accumulators: packed bytes, a decoded plane,
/// masks (formats need up to three), one broadcast activation.
static constexpr int64_t kReservedRegisters = 6;
/// Tokens per register tile beyond which nothing is gained: the decoding of a
/// vector is already shared by this many dot products. Narrower registers hold
/// fewer activations beside the accumulators (checked: no spills).
static constexpr int64_t kMaxTokens = 6, kMaxTokensNarrow = 4;

int64_t bitnetc::getTokensPerTile(ternary::PackingFormatInterface attr,
                                  const TargetInfo &target) {
  int64_t free = std::max<int64_t>(1, int64_t(target.vectorRegisters) -
                                          kReservedRegisters);
  return std::clamp<int64_t>(free / getFormat(attr).getAccumulators(), 1,
                             target.vectorBytes == 64 ? kMaxTokens
                                                      : kMaxTokensNarrow);
}

std::vector<uint8_t> bitnetc::packMatrix(const PackingFormat &format,
                                         const int8_t *weights, int64_t n,
                                         int64_t k) {
  Geometry geometry = format.getGeometry();
  int64_t tiles = (n + geometry.tileRows - 1) / geometry.tileRows;
  int64_t tileBytes = geometry.getTileBytes(k);
  std::vector<uint8_t> bytes(tiles * tileBytes);
  std::vector<int8_t> rows(geometry.tileRows * k);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    int64_t first = tile * geometry.tileRows;
    int64_t present = std::min(n - first, geometry.tileRows);
    std::copy_n(weights + first * k, present * k, rows.begin());
    std::fill(rows.begin() + present * k, rows.end(), 0);
    format.packTile(rows.data(), k, bytes.data() + tile * tileBytes);
  }
  return bytes;
}
