//===- RandomData.cpp - Fast random tensors -------------------------------===//
//
// Speed decides: a 100B model has 25 GB of codes. Every element comes out of a
// small table that is indexed by random bits, so a 64-bit random number makes
// 32 ternary codes or four floats.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "RandomData.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"
#include <array>
#include <cmath>

using namespace llvm;

namespace bitnetc::gen {

/// Bytes made before they are handed over.
static constexpr size_t pieceBytes = 4 << 20;

namespace {

/// xorshift64* (Vigna 2016), four independent streams so that they overlap in
/// the pipeline.
class Random {
public:
  explicit Random(uint64_t seed) {
    for (uint64_t &state : states) {
      // splitmix64 spreads the seed; a state must not be 0.
      seed += 0x9e3779b97f4a7c15u;
      uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      state = (z ^ (z >> 31)) | 1;
    }
  }
  uint64_t next(unsigned stream) {
    uint64_t &x = states[stream];
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    return x * 0x2545f4914f6cdd1du;
  }

private:
  std::array<uint64_t, 4> states;
};

} // namespace

/// 65536 bytes of four ternary codes. A byte of the index chooses two codes;
/// of 256 choices 40 are (0, 0), 31 each have one zero, 23 each have none, so
/// that 39.8 % of the codes are zero, and +1 and -1 are equally frequent.
static std::vector<uint8_t> makeCodeTable() {
  std::vector<uint8_t> pairs;
  for (uint8_t a = 0; a < 3; ++a)
    for (uint8_t b = 0; b < 3; ++b)
      pairs.insert(pairs.end(),
                   a == 1 && b == 1   ? 40
                   : a == 1 || b == 1 ? 31
                                      : 23,
                   a | b << 2);
  assert(pairs.size() == 256);
  std::vector<uint8_t> table(65536);
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = pairs[i & 255] | pairs[i >> 8] << 4;
  return table;
}

static Error fillCodes(const TensorPlan &tensor, Random &random, Sink sink) {
  static const std::vector<uint8_t> table = makeCodeTable();
  int64_t packedRows = tensor.shape[0], cols = tensor.shape[1];
  // Rows past the last have code 0, as pack_weights leaves them.
  auto getMask = [&](int64_t row) {
    uint8_t mask = 0;
    for (int64_t i = 0; i < 4; ++i)
      if (i * packedRows + row < tensor.rows)
        mask |= 3 << 2 * i;
    return mask;
  };
  size_t rowStep = std::max<size_t>(1, pieceBytes / cols);
  std::vector<uint8_t> piece;
  for (int64_t row = 0; row < packedRows; row += rowStep) {
    int64_t rows = std::min<int64_t>(rowStep, packedRows - row);
    size_t bytes = rows * cols;
    piece.resize(alignTo(bytes, 16));
    for (size_t i = 0; i < piece.size(); i += 16)
      for (unsigned stream = 0; stream < 4; ++stream) {
        uint64_t bits = random.next(stream);
        for (unsigned j = 0; j < 4; ++j)
          piece[i + 4 * stream + j] = table[(bits >> 16 * j) & 0xffff];
      }
    for (int64_t i = 0; i < rows; ++i)
      if (uint8_t mask = getMask(row + i); mask != 0xff)
        for (int64_t j = 0; j < cols; ++j)
          piece[i * cols + j] &= mask;
    if (Error error = sink(ArrayRef(piece).take_front(bytes)))
      return error;
  }
  return Error::success();
}

/// `value` in `type`, in the low bits.
static uint32_t encode(double value, FloatType type) {
  const fltSemantics &semantics = type == FloatType::F32 ? APFloat::IEEEsingle()
                                  : type == FloatType::F16 ? APFloat::IEEEhalf()
                                                           : APFloat::BFloat();
  APFloat number(value);
  bool losesInfo;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return uint32_t(number.bitcastToAPInt().getZExtValue());
}

/// Quantile of the standard normal distribution: 0.01 off at worst
/// (Abramowitz and Stegun 26.2.22), plenty for dummy weights.
static double normalQuantile(double p) {
  double tail = std::min(p, 1 - p);
  double t = std::sqrt(-2 * std::log(tail));
  double x = t - (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t);
  return p < 0.5 ? -x : x;
}

/// 65536 values, equally likely, in the type of the tensor.
static std::vector<uint32_t> makeFloatTable(const TensorPlan &tensor,
                                            FloatType dtype) {
  std::vector<uint32_t> table(65536);
  for (size_t i = 0; i < table.size(); ++i) {
    double p = (i + 0.5) / table.size(), value = tensor.scale;
    double tail = std::min(p, 1 - p);
    switch (tensor.fill) {
    case Fill::Normal:
      value = tensor.scale * normalQuantile(p);
      break;
    case Fill::Gain:
      value = 0.8 + 0.4 * p;
      break;
    case Fill::Masters:
      // Laplace: 1 - exp(-1/2) = 39.3 % lie below half of the mean magnitude
      // and become zero.
      value = (p < 0.5 ? 1 : -1) * tensor.scale * std::log(2 * tail);
      break;
    case Fill::ScaleOnly:
      // Scales differ from matrix to matrix by up to 10 %.
      value = tensor.scale * (0.9 + 0.2 * p);
      break;
    case Fill::Codes:
      llvm_unreachable("codes are no floats");
    }
    table[i] = encode(value, dtype);
  }
  return table;
}

template <typename Bits>
static Error fillFloats(const TensorPlan &tensor, FloatType dtype,
                        Random &random, Sink sink) {
  std::vector<uint32_t> wide = makeFloatTable(tensor, dtype);
  std::vector<Bits> table(wide.begin(), wide.end());
  std::vector<uint8_t> piece;
  for (uint64_t done = 0; done < tensor.bytes; done += piece.size()) {
    uint64_t bytes = std::min<uint64_t>(pieceBytes, tensor.bytes - done);
    size_t elements = bytes / sizeof(Bits);
    piece.resize(alignTo(elements, 4) * sizeof(Bits));
    for (size_t i = 0; i < elements; i += 4) {
      uint64_t bits = random.next((i / 4) % 4);
      for (unsigned j = 0; j < 4; ++j)
        support::endian::write<Bits, endianness::little>(
            piece.data() + (i + j) * sizeof(Bits),
            table[(bits >> 16 * j) & 0xffff]);
    }
    piece.resize(bytes);
    if (Error error = sink(piece))
      return error;
  }
  return Error::success();
}

Error fillTensor(const TensorPlan &tensor, FloatType dtype, uint64_t seed,
                 Sink sink) {
  Random random(xxh3_64bits(tensor.name) ^ (seed * 0x9e3779b97f4a7c15u));
  if (tensor.fill == Fill::Codes)
    return fillCodes(tensor, random, sink);
  if (dtype == FloatType::F32)
    return fillFloats<uint32_t>(tensor, dtype, random, sink);
  return fillFloats<uint16_t>(tensor, dtype, random, sink);
}

} // namespace bitnetc::gen
