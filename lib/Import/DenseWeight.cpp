//===- DenseWeight.cpp - Element types and reading them as f32 ------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TernaryWeights.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;

namespace bitnetc {

unsigned getDTypeSize(DType type) {
  switch (type) {
  case DType::F32:
    return 4;
  case DType::F16:
  case DType::BF16:
    return 2;
  case DType::U8:
    return 1;
  }
  llvm_unreachable("all types handled");
}

StringRef getDTypeName(DType type) {
  switch (type) {
  case DType::F32:
    return "f32";
  case DType::F16:
    return "f16";
  case DType::BF16:
    return "bf16";
  case DType::U8:
    return "u8";
  }
  llvm_unreachable("all types handled");
}

std::optional<DType> getDType(StringRef storedType) {
  return StringSwitch<std::optional<DType>>(storedType)
      .Case("F32", DType::F32)
      .Case("F16", DType::F16)
      .Case("BF16", DType::BF16)
      .Case("U8", DType::U8)
      .Default(std::nullopt);
}

/// Half to single precision without tables and almost without branches, so
/// that the loop vectorises: the exponent is moved by a multiplication, which
/// also normalises denormals (exact: 2^112 is a power of two).
static float halfToFloat(uint16_t half) {
  uint32_t magnitude = uint32_t(half & 0x7fff) << 13;
  float value = bit_cast<float>(magnitude) * bit_cast<float>(0x77800000u);
  uint32_t bits = bit_cast<uint32_t>(value);
  // Infinity and NaN have the largest exponent in both types.
  bits |= magnitude >= (0x7c00u << 13) ? 0x7f800000u : 0u;
  return bit_cast<float>(bits | uint32_t(half & 0x8000) << 16);
}

void readDense(const DenseWeight &weight, int64_t first, int64_t count,
               float *out) {
  using support::endian::read16le;
  using support::endian::read32le;
  // Tensors in safetensors files are not aligned.
  const uint8_t *in = weight.data + first * getDTypeSize(weight.dtype);
  switch (weight.dtype) {
  case DType::F32:
    for (int64_t i = 0; i < count; ++i)
      out[i] = bit_cast<float>(read32le(in + 4 * i));
    return;
  case DType::F16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = halfToFloat(read16le(in + 2 * i));
    return;
  case DType::BF16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = bit_cast<float>(uint32_t(read16le(in + 2 * i)) << 16);
    return;
  case DType::U8:
    for (int64_t i = 0; i < count; ++i)
      out[i] = in[i];
    return;
  }
}

} // namespace bitnetc
