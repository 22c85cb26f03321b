//===- HeadSketchTest.cpp - The bounds of a sketched head hold ------------===//
//
// The kernels' sums are repeated here operation by operation (their bits are
// those of test/Conversion/BitNetToVector/run-kernels.test), for rows and
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

/// What row_length computes.
float rowLength(const std::vector<float> &x) {
  float sum = laneSum(x, x);
  float widen = float(1 + getSumError(int64_t(x.size())) + 0x1p-22);
  return sum < float(kMaxSquaredLength)
             ? std::sqrt(sum) * widen + float(kLengthUnderflow)
             : infinity;
}

struct Screened {
  float logit, upper, lower, slack;
};

Screened screen(const std::vector<float> &x, const std::vector<float> &w,
                const SketchedRow &row, const std::vector<int8_t> &q) {
  float a = laneSum(x, q) * row.scale;
  float slack = std::fma(rowLength(x), row.bound, float(kLogitUnderflow));
  return {laneSum(x, w), a + slack, a - slack, slack};
}

/// Checks the bounds for one state and row, and returns how much of the slack
/// the sketch's error takes.
double check(const std::vector<float> &x, const std::vector<float> &w) {
  std::vector<int8_t> q(w.size());
  SketchedRow row = sketchRow(w, q);
  Screened s = screen(x, w, row, q);
  EXPECT_LE(s.logit, s.upper) << w.size() << " columns";
  EXPECT_GE(s.logit, s.lower) << w.size() << " columns";
  return std::fabs(double(s.logit) - (double(s.upper) - s.slack)) / s.slack;
}

/// The part of the row that its sketch does not have.
std::vector<float> residual(const std::vector<float> &w) {
  std::vector<int8_t> q(w.size());
  SketchedRow row = sketchRow(w, q);
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
      EXPECT_GE(double(rowLength(x)), exact);
      EXPECT_LE(double(rowLength(x)), exact * 1.001 + 1e-17);
    }
  EXPECT_EQ(rowLength({1e30f}), infinity);
  EXPECT_EQ(rowLength({std::nanf("")}), infinity);
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
      EXPECT_GT(most, 0.97) << size << " columns";
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
    for (float xUnit : {1e-40f, 1e-20f, 1.0f, 1e17f})
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
    SketchedRow row = sketchRow(w, q);
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
  SketchedRow row = sketchRow({0.0f, 0.0f, 0.0f}, q);
  EXPECT_EQ(row.scale, 0);
  EXPECT_EQ(row.bound, 0);
  EXPECT_EQ(q[0], 0);
  row = sketchRow({1e-40f, -1e-40f, 0.0f}, q);
  EXPECT_EQ(row.scale, 0);
  EXPECT_GT(row.bound, 1e-40f);
}

TEST(HeadSketch, BoundIsSmall) {
  // 4 sigma over 127 steps, uniform rounding: about 1 % of the row.
  auto w = make(2560, [](size_t) { return normal(); });
  std::vector<int8_t> q(w.size());
  EXPECT_LT(sketchRow(w, q).bound, 0.015 * std::sqrt(2560.0));
}

} // namespace
