//===- HeadSketch.cpp - Rows of the head in 7 bits, with a bound ----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/HeadSketch.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace bitnetc;

/// Elements above this could overflow sums; below the other, the reciprocal of
/// the scale would.
static constexpr float kMaxElement = 0x1p30f, kMinLargest = 0x1p-100f;

double bitnetc::getSumError(int64_t columns) {
  double roundings = double((columns + 15) / 16) + 8;
  constexpr double unit = 0x1p-24;
  return roundings * unit / (1 - roundings * unit);
}

/// The nearest f32 that is not below `value`.
static float roundUp(double value) {
  float rounded = static_cast<float>(value);
  return rounded < value
             ? std::nextafter(rounded, std::numeric_limits<float>::infinity())
             : rounded;
}

SketchedRow bitnetc::sketchRow(llvm::ArrayRef<float> row,
                               llvm::MutableArrayRef<int8_t> q, unsigned bits) {
  const int unit = bits == 8 ? 1 : 2, most = 127 / unit; // q is unit * nearest
  float largest = 0;
  bool usable = true;
  for (float value : row) {
    usable &= std::fabs(value) <= kMaxElement; // false for NaN
    largest = std::max(largest, std::fabs(value));
  }
  if (!usable || static_cast<int64_t>(row.size()) > kMaxSketchColumns) {
    std::fill(q.begin(), q.end(), 0);
    return {0, 0, std::numeric_limits<float>::infinity(), 0};
  }
  bool tiny = largest < kMinLargest; // then all of the row is the error
  float scale = tiny ? 0 : largest / (most * unit);
  float inverse = tiny ? 0 : most / largest;
  double error = 0, exact = 0, sketched = 0;
  int sum = 0;
  for (size_t k = 0; k != row.size(); ++k) {
    // Any q is right, as its error is what it is; this one is the nearest but
    // for rounding.
    float scaled = row[k] * inverse;
    int nearest = static_cast<int>(scaled + (scaled < 0 ? -0.5f : 0.5f));
    nearest = std::clamp(nearest, -most, most) * unit;
    q[k] = static_cast<int8_t>(nearest);
    sum += nearest;
    double value = row[k], near = double(scale) * nearest;
    error += (value - near) * (value - near);
    exact += value * value;
    sketched += near * near;
  }
  constexpr double widen = 1 + 0x1p-30;
  double length = std::sqrt(sketched);
  double bound = std::sqrt(error) + getSumError(row.size()) * std::sqrt(exact) +
                 0x1p-50 * length;
  return {scale, static_cast<float>(sum), roundUp(bound * widen + 0x1p-60),
          roundUp(length * widen)};
}
