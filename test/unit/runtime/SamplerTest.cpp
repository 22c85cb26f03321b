//===- SamplerTest.cpp - Tests of the choice of tokens ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

using namespace bitnet;

namespace {

SamplerOptions plain(float temperature) {
  SamplerOptions options;
  options.temperature = temperature;
  options.topK = 0;
  options.topP = 1;
  options.minP = 0;
  options.seed = 1;
  return options;
}

/// Which tokens `options` ever choose from `logits` in 2000 draws.
std::set<int32_t> chosen(const SamplerOptions &options,
                         const std::vector<float> &logits) {
  Sampler sampler(options, uint32_t(logits.size()));
  std::set<int32_t> tokens;
  for (int i = 0; i != 2000; ++i)
    tokens.insert(sampler.sample(logits.data()));
  return tokens;
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  std::vector<float> logits = {1, 3, 2, 3, 3};
  EXPECT_EQ(chosen(plain(0), logits), std::set<int32_t>{1});
}

TEST(Sampler, GreedyIgnoresNaN) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(chosen(plain(0), {nan, -5, nan, -4}), std::set<int32_t>{3});
  EXPECT_EQ(chosen(plain(0), {nan, nan}), std::set<int32_t>{0});
}

TEST(Sampler, NaNAndInfinityDoNotBreakSampling) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(chosen(plain(1), {nan, 0, nan}), std::set<int32_t>{1});
  EXPECT_EQ(chosen(plain(1), {0, infinity, infinity}), std::set<int32_t>{1});
  EXPECT_EQ(chosen(plain(1), {-infinity, -infinity}), std::set<int32_t>{0});
}

/// `logits` with all but the `count` highest, and what equals them, at -inf.
std::vector<float> keepHighest(std::vector<float> logits, uint32_t count) {
  std::vector<float> sorted = logits;
  std::sort(sorted.begin(), sorted.end(), std::greater<float>());
  for (float &logit : logits)
    if (logit < sorted[count - 1])
      logit = -std::numeric_limits<float>::infinity();
  return logits;
}

TEST(Sampler, NeededLogitsAreEnough) {
  // Few different logits, so that many are equal; few recent tokens, among
  // them the best ones.
  uint32_t state = 1, screened = 0;
  auto next = [&](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  for (int run = 0; run != 3000; ++run) {
    SamplerOptions options;
    options.temperature = next(3) ? 1.5f : 0;
    options.topK = next(9);
    options.topP = next(2) ? 0.9f : 1;
    options.minP = 0;
    options.repeatPenalty = std::vector<float>{1, 1.3f, 20, 0.5f}[next(4)];
    options.repeatLastN = next(5);
    options.seed = next(1000);
    std::vector<float> logits(60);
    for (float &logit : logits)
      logit = (float(next(30)) - 15) / 4;
    Sampler whole(options, 60), part(options, 60);
    for (int step = 0; step != 8; ++step) {
      uint32_t needed = part.neededLogits();
      screened += needed != 0;
      int32_t want = whole.sample(logits.data());
      std::vector<float> few = needed ? keepHighest(logits, needed) : logits;
      ASSERT_EQ(part.sample(few.data()), want)
          << "top-k " << options.topK << ", penalty " << options.repeatPenalty;
      whole.accept(want);
      part.accept(want);
    }
  }
  EXPECT_GT(screened, 10000u);
}

TEST(Sampler, NeededLogits) {
  SamplerOptions options = plain(0);
  EXPECT_EQ(Sampler(options, 100).neededLogits(), 1u);
  options.temperature = 1;
  EXPECT_EQ(Sampler(options, 100).neededLogits(), 0u); // all
  options.topK = 40;
  EXPECT_EQ(Sampler(options, 100).neededLogits(), 40u);
  EXPECT_EQ(Sampler(options, 40).neededLogits(), 0u);
  for (float penalty : {1.5f, 0.5f}) {
    options.repeatPenalty = penalty;
    Sampler sampler(options, 100);
    EXPECT_EQ(sampler.neededLogits(), 40u);
    sampler.accept(3);
    EXPECT_EQ(sampler.neededLogits(), penalty > 1 ? 41u : 0u);
  }
}

TEST(Sampler, TopK) {
  SamplerOptions options = plain(1);
  options.topK = 2;
  EXPECT_EQ(chosen(options, {1, 2, 1.5, 1.9f}), (std::set<int32_t>{1, 3}));
  // Ties at the limit: the lowest ids stay.
  EXPECT_EQ(chosen(options, {0, 0, 0, 0}), (std::set<int32_t>{0, 1}));
  options.topK = 100; // more than there are
  EXPECT_EQ(chosen(options, {0, 0, 0}), (std::set<int32_t>{0, 1, 2}));
}

TEST(Sampler, TopP) {
  // Probabilities 0.5, 0.25, 0.125, 0.125.
  std::vector<float> logits = {0, -std::log(2.0f), -std::log(4.0f),
                               -std::log(4.0f)};
  SamplerOptions options = plain(1);
  options.topP = 0.4f;
  EXPECT_EQ(chosen(options, logits), std::set<int32_t>{0});
  options.topP = 0.7f;
  EXPECT_EQ(chosen(options, logits), (std::set<int32_t>{0, 1}));
  options.topP = 0.8f;
  EXPECT_EQ(chosen(options, logits), (std::set<int32_t>{0, 1, 2}));
  options.topP = 0; // never less than one
  EXPECT_EQ(chosen(options, logits), std::set<int32_t>{0});
}

TEST(Sampler, MinP) {
  std::vector<float> logits = {0, std::log(0.5f), std::log(0.2f)};
  SamplerOptions options = plain(1);
  options.minP = 0.3f;
  EXPECT_EQ(chosen(options, logits), (std::set<int32_t>{0, 1}));
  options.minP = 1;
  EXPECT_EQ(chosen(options, logits), std::set<int32_t>{0});
}

TEST(Sampler, FrequenciesFollowTheTemperature) {
  std::vector<float> logits = {0, std::log(3.0f)};
  for (float temperature : {0.5f, 1.0f, 2.0f}) {
    Sampler sampler(plain(temperature), 2);
    int ones = 0, draws = 20000;
    for (int i = 0; i != draws; ++i)
      ones += sampler.sample(logits.data());
    double odds = std::pow(3.0, 1 / temperature);
    // Five standard deviations of a share are at most 0.018.
    EXPECT_NEAR(double(ones) / draws, odds / (1 + odds), 0.018);
  }
}

TEST(Sampler, PenaltyCountsARecentTokenOnce) {
  SamplerOptions options = plain(0);
  options.repeatPenalty = 2;
  options.repeatLastN = 3;
  Sampler sampler(options, 3);
  std::vector<float> logits = {4, 3, 1.5f};
  EXPECT_EQ(sampler.sample(logits.data()), 0);
  sampler.accept(0); // 2 3 1.5
  EXPECT_EQ(sampler.sample(logits.data()), 1);
  sampler.accept(1);
  sampler.accept(0); // 2 1.5 1.5: not 1, which twice would give
  EXPECT_EQ(sampler.sample(logits.data()), 0);
  for (int i = 0; i != 3; ++i)
    sampler.accept(2); // the others are no longer recent
  EXPECT_EQ(sampler.sample(logits.data()), 0);
}

TEST(Sampler, PenaltyMakesNegativeLogitsLower) {
  SamplerOptions options = plain(0);
  options.repeatPenalty = 2;
  Sampler sampler(options, 2);
  std::vector<float> logits = {-1, -1.5f};
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(logits.data()), 1);
}

TEST(Sampler, SameSeedSameTokens) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i != logits.size(); ++i)
    logits[i] = float(i * 7919 % 1000) * 0.01f;
  auto draw = [&](uint64_t seed) {
    SamplerOptions options; // with all filters at their defaults
    options.seed = seed;
    Sampler sampler(options, 1000);
    std::vector<int32_t> tokens;
    for (int i = 0; i != 50; ++i)
      tokens.push_back(sampler.sample(logits.data()));
    return tokens;
  };
  EXPECT_EQ(draw(3), draw(3));
  EXPECT_NE(draw(3), draw(4));
}

TEST(Sampler, PortableExpIsExact) {
  for (double x = 0; x > -700; x -= 0.37)
    EXPECT_NEAR(portableExp(x) / std::exp(x), 1, 1e-15) << x;
  EXPECT_EQ(portableExp(0), 1);
  EXPECT_EQ(portableExp(-1e9), 0);
  EXPECT_EQ(portableExp(-std::numeric_limits<double>::infinity()), 0);
}

} // namespace
