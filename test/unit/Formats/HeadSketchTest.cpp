//===- HeadSketchTest.cpp - The bounds of a sketched head hold ------------===//
//
// The kernels are repeated here operation by operation (their bits are those
// of test/Conversion/BitNetToVector/run-kernels.test), for rows and
// states that are random, and for those that make the bound tight: a state in
// the direction of the row's own error leaves no room but the widening.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Formats/HeadSketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

using namespace bitnetc;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
std::mt19937 engine(7);

float normal() { return std::normal_distribution<float>()(engine); }

std::vector<float> make(size_t size, std::function<float(size_t)> element) {
  std::vector<float> values(size);
  for (size_t i = 0; i != size; ++i)
    values[i] = element(i);
  return values;
}

/// Sum of products in the order of the kernels.
template <typename T>
float laneSum(const std::vector<float> &x, const std::vector<T> &w) {
  float lanes[16] = {};
  for (size_t k = 0; k != x.size(); ++k)
    lanes[k % 16] = std::fma(float(w[k]), x[k], lanes[k % 16]);
  for (int width = 8; width; width /= 2)
    for (int i = 0; i != width; ++i)
      lanes[i] += lanes[i + width];
  return lanes[0];
}

/// What fixed_point computes.
struct State {
  std::vector<int> fixed; // X
  float step, length, error;
};

float lengthOf(float squares, size_t columns) {
  float widen = float(1 + getSumError(int64_t(columns)) + 0x1p-22);
  return std::sqrt(squares) * widen + float(kLengthUnderflow);
}

State fixedPoint(const std::vector<float> &x) {
  float largest = 0;
  for (float value : x)
    largest = std::fabs(value) > largest ? std::fabs(value) : largest;
  bool zero = largest < float(kFixedPointLeast);
  const float top = kFixedPointMax;
  float step = zero ? 0 : largest / top, inverse = zero ? 0 : top / largest;
  State state = {{}, step, 0, 0};
  std::vector<float> rest;
  for (float value : x) {
    float code = std::nearbyint(value * inverse);
    code = code > -top ? code : -top;
    code = code < top ? code : top;
    state.fixed.push_back(int(code));
    rest.push_back(std::fma(-step, code, value));
  }
  float squares = laneSum(x, x);
  if (!(squares < float(kMaxSquaredLength)))
    return {state.fixed, std::nanf(""), infinity, infinity};
  state.length = lengthOf(squares, x.size());
  state.error = lengthOf(laneSum(rest, rest), x.size());
  return state;
}

struct Screened {
  float logit, upper, lower;
  double middle, slack;
};

/// What lm_head and screen_head compute.
Screened screen(const std::vector<float> &x, const std::vector<float> &w,
                const SketchedRow &row, const std::vector<int8_t> &q) {
  State state = fixedPoint(x);
  // As two digits and the sum of the row, in 32 bits.
  int high = 0, low = 0, sum = 0;
  for (size_t k = 0; k != q.size(); ++k) {
    int digits = state.fixed[k] + int(kFixedPointOffset);
    high += (digits >> 7) * q[k];
    low += (digits & 127) * q[k];
    sum += q[k];
  }
  EXPECT_EQ(row.sum, float(sum));
  double product = std::fma(double(high), 128.0, double(low));
  product = std::fma(-double(kFixedPointOffset), double(row.sum), product);
  double a = product * (double(row.scale) * double(state.step));
  double e = std::fma(double(state.length), double(row.bound),
                      double(state.error) * double(row.length));
  return {laneSum(x, w), float(a + e), float(a - e), a, e};
}

/// Checks the bounds for one state and row, and returns how much of the slack
/// the error of a sketch in 7 bits takes.
double check(const std::vector<float> &x, const std::vector<float> &w) {
  double taken = 0;
  for (unsigned bits : {8, 7}) {
    std::vector<int8_t> q(w.size());
    SketchedRow row = sketchRow(w, q, bits);
    Screened s = screen(x, w, row, q);
    EXPECT_LE(s.logit, s.upper) << w.size() << " columns, " << bits << " bits";
    EXPECT_GE(s.logit, s.lower) << w.size() << " columns, " << bits << " bits";
    taken = std::fabs(s.logit - s.middle) / s.slack;
    for (int8_t value : q)
      EXPECT_TRUE(bits == 8 || value % 2 == 0);
  }
  return taken;
}

/// The part of the row that its sketch does not have.
std::vector<float> residual(const std::vector<float> &w) {
  std::vector<int8_t> q(w.size());
  SketchedRow row = sketchRow(w, q, 7);
  return make(w.size(), [&](size_t k) {
    return float(double(w[k]) - double(row.scale) * q[k]);
  });
}

std::vector<size_t> sizes() {
  std::vector<size_t> all;
  for (size_t k = 1; k <= 80; ++k)
    all.push_back(k);
  for (size_t k : {255, 256, 257, 1000, 2560, 4099})
    all.push_back(k);
  return all;
}

TEST(HeadSketch, LengthIsAnUpperBound) {
  for (size_t size : sizes())
    for (float unit : {1.0f, 1e-30f, 1e-42f, 1e15f}) {
      auto x = make(size, [&](size_t) { return normal() * unit; });
      double exact = 0;
      for (float value : x)
        exact += double(value) * value;
      exact = std::sqrt(exact);
      State state = fixedPoint(x);
      EXPECT_GE(double(state.length), exact);
      EXPECT_LE(double(state.length), exact * 1.001 + 1e-17);
    }
}

TEST(HeadSketch, ErrorOfTheStateIsAnUpperBound) {
  for (size_t size : sizes())
    for (float unit : {1.0f, 1e-29f, 1e-42f, 1e15f}) {
      auto x = make(size, [&](size_t) { return normal() * unit; });
      State state = fixedPoint(x);
      double exact = 0, largest = 0;
      for (size_t k = 0; k != size; ++k) {
        double rest = double(x[k]) - double(state.step) * state.fixed[k];
        exact += rest * rest;
        largest = std::max(largest, std::fabs(double(x[k])));
      }
      exact = std::sqrt(exact);
      EXPECT_GE(double(state.error), exact);
      EXPECT_LE(double(state.error), exact * 1.001 + 1e-17);
      // 14 bits: half a step for each element.
      if (largest > kFixedPointLeast)
        EXPECT_LE(exact,
                  0.501 * largest / kFixedPointMax * std::sqrt(double(size)));
    }
}

TEST(HeadSketch, OddStatesLetAllRowsSurvive) {
  for (float odd : {infinity, -infinity, std::nanf(""), 2e18f, -3e38f}) {
    std::vector<float> x(40, 1.0f), w(40, 1.0f), none(40, 0.0f);
    x[33] = odd;
    for (const auto &row : {w, none}) {
      std::vector<int8_t> q(40);
      SketchedRow sketch = sketchRow(row, q, 7);
      Screened s = screen(x, row, sketch, q);
      EXPECT_FALSE(s.upper < infinity);
      EXPECT_FALSE(s.lower > -infinity);
    }
  }
}

TEST(HeadSketch, BoundsHoldForOutliers) {
  // One element takes the whole range: the others are a few steps, or none.
  for (size_t size : sizes())
    for (float outlier : {1e2f, 1e4f, -1e6f, 1e15f})
      for (int run = 0; run != 5; ++run) {
        auto x = make(size, [](size_t) { return normal(); });
        auto w = make(size, [](size_t) { return normal() * 0.02f; });
        x[size / 2] = outlier;
        check(x, w);
        w[size / 3] = outlier;
        check(x, w);
        check(w, x);
      }
}

TEST(HeadSketch, BoundsHoldForRandomRows) {
  for (size_t size : sizes())
    for (int run = 0; run != 20; ++run) {
      auto x = make(size, [](size_t) { return normal(); });
      check(x, make(size, [](size_t) { return normal() * 0.02f; }));
      check(x, make(size, [](size_t) { return std::pow(normal(), 9.0f); }));
      check(x, make(size, [](size_t k) { return k ? normal() : 1e4f; }));
      check(x, x);
    }
}

TEST(HeadSketch, BoundsAreTightAndHold) {
  for (size_t size : sizes()) {
    double most = 0;
    for (int run = 0; run != 20; ++run) {
      auto w = make(size, [](size_t) { return normal() * 0.02f; });
      std::vector<float> x = residual(w);
      for (float scale : {1.0f, -1.0f, 1e6f, -1e-3f}) {
        auto scaled = make(size, [&](size_t k) { return x[k] * scale; });
        most = std::max(most, check(scaled, w));
      }
    }
    // One column has no error worth the name: its largest element is exact.
    if (size > 4)
      EXPECT_GT(most, 0.9) << size << " columns";
  }
}

TEST(HeadSketch, BoundsHoldWhereSumsRoundMost) {
  // All products positive and the sum growing: every addition rounds. Then
  // rows that are exact in int8, where only rounding is left of the bound.
  for (size_t size : sizes())
    for (int run = 0; run != 20; ++run) {
      auto x = make(size, [](size_t) { return 1 + std::fabs(normal()); });
      check(x, make(size, [](size_t) { return 1 + std::fabs(normal()); }));
      check(x, make(size, [](size_t k) {
              return float(k ? int(engine() % 255) - 127 : 127);
            }));
      auto w = make(size, [](size_t k) { return k % 2 ? 127.0f : -127.0f; });
      check(x, w);
    }
}

TEST(HeadSketch, BoundsHoldAtTheLimitsOfNumbers) {
  for (size_t size : {1, 17, 100})
    for (float xUnit : {1e-40f, 1e-20f, 1.0f, 1e16f})
      for (float wUnit : {1e-44f, 1e-38f, 1e-31f, 1e-20f, 1.0f, 1e8f})
        for (int run = 0; run != 20; ++run)
          check(make(size, [&](size_t) { return normal() * xUnit; }),
                make(size, [&](size_t) { return normal() * wUnit; }));
}

TEST(HeadSketch, OddRowsAlwaysSurvive) {
  for (float odd : {infinity, -infinity, std::nanf(""), 2e9f, -3e38f}) {
    std::vector<float> w(40, 1.0f);
    w[33] = odd;
    std::vector<int8_t> q(40, 1);
    SketchedRow row = sketchRow(w, q, 7);
    EXPECT_EQ(row.bound, infinity);
    for (int8_t value : q)
      EXPECT_EQ(value, 0);
    // No threshold is above, no peak is made of it.
    Screened s = screen(std::vector<float>(40, 0.0f), w, row, q);
    EXPECT_FALSE(s.upper < 1e38f);
    EXPECT_FALSE(s.lower > -1e38f);
  }
}

TEST(HeadSketch, ZeroAndTinyRows) {
  std::vector<int8_t> q(3, 1);
  SketchedRow row = sketchRow({0.0f, 0.0f, 0.0f}, q, 7);
  EXPECT_EQ(row.scale, 0);
  EXPECT_EQ(row.bound, 0x1p-60f); // underflow of logits
  EXPECT_EQ(q[0], 0);
  row = sketchRow({1e-40f, -1e-40f, 0.0f}, q, 7);
  EXPECT_EQ(row.scale, 0);
  EXPECT_GT(row.bound, 1e-40f);
}

TEST(HeadSketch, BoundIsSmall) {
  // 4 sigma over 127 or 63 steps, uniform rounding: about 1 or 2 % of the row.
  auto w = make(2560, [](size_t) { return normal(); });
  std::vector<int8_t> q(w.size());
  EXPECT_LT(sketchRow(w, q, 8).bound, 0.015 * std::sqrt(2560.0));
  EXPECT_LT(sketchRow(w, q, 7).bound, 0.03 * std::sqrt(2560.0));
}

} // namespace
