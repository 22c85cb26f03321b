//===- FormulasTest.cpp - Each formula against values worked out by hand --===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Reference/Formulas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace bitnetc;
using namespace bitnetc::reference;
using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;

TEST(RmsNorm, DividesByRootMeanSquare) {
  // mean(1, 4, 4, 16) = 6.25, its root 2.5.
  std::vector<float> x = {1, -2, 2, 4}, gain = {1, 1, 10, 0.5}, y(4);
  rmsNorm(x, gain, 0, y);
  EXPECT_THAT(
      y, ElementsAre(FloatEq(0.4), FloatEq(-0.8), FloatEq(8), FloatEq(0.8)));
}

TEST(RmsNorm, AddsEpsilonUnderTheRoot) {
  // mean = 12.5; 12.5 + 23.5 = 36.
  std::vector<float> x = {3, 4}, gain = {1, 1};
  rmsNorm(x, gain, 23.5, x);
  EXPECT_THAT(x, ElementsAre(FloatEq(0.5), FloatEq(4.0f / 6)));
}

TEST(QuantizeToken, HalvesGoToEven) {
  // max|x| = 127, so s = 1.
  std::vector<float> x = {127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -127};
  std::vector<int8_t> q(x.size());
  EXPECT_EQ(quantizeToken(x, q), 1);
  EXPECT_THAT(q, ElementsAre(127, 0, 2, 2, 0, -2, -2, -127));
}

TEST(QuantizeToken, ScalesTheLargestTo127) {
  std::vector<float> x = {-0.25, 0.125, 0.0625};
  std::vector<int8_t> q(x.size());
  EXPECT_EQ(quantizeToken(x, q), 508);       // 127 / 0.25
  EXPECT_THAT(q, ElementsAre(-127, 64, 32)); // 63.5 -> 64, 31.75 -> 32
}

TEST(QuantizeToken, TinyTokensUseTheFloor) {
  std::vector<float> x = {0, 1e-7f, -1e-6f};
  std::vector<int8_t> q(x.size());
  EXPECT_EQ(quantizeToken(x, q), 127 / 1e-5f);
  EXPECT_THAT(q, ElementsAre(0, 1, -13)); // 1.27, -12.7
}

TEST(MatmulTernary, RowsTimesOutputs) {
  std::vector<int8_t> q = {1, 2, 3, -128, 127, 5};
  std::vector<int8_t> t = {1, 1, 1, -1, 0, 1, 0, 0, 0, -1, 1, 0};
  std::vector<int32_t> acc(2 * 4);
  matmulTernary(q, t, 2, 4, 3, acc);
  EXPECT_THAT(acc, ElementsAre(6, 2, 0, 1, 4, 133, 0, 255));
}

TEST(MatmulTernary, DoesNotOverflow16Bits) {
  const int64_t k = 100000;
  std::vector<int8_t> q(k, 127), t(k, -1);
  std::vector<int32_t> acc(1);
  matmulTernary(q, t, 1, 1, k, acc);
  EXPECT_EQ(acc[0], -12700000);
}

TEST(Rescale, DividesByActivationScaleAndMultipliesByWeightScale) {
  EXPECT_EQ(rescale(-254, 127, 0.75), -1.5);
}

TEST(Rope, PlainFrequencies) {
  // theta^(-2i/8): 10000^0, ^-0.25, ^-0.5, ^-0.75.
  EXPECT_THAT(
      ropeFrequencies(8, 10000, {}),
      ElementsAre(FloatEq(1), FloatEq(0.1), FloatEq(0.01), FloatEq(0.001)));
}

TEST(Rope, LinearScalingDividesAll) {
  RopeScaling scaling;
  scaling.kind = RopeScaling::Linear;
  scaling.factor = 4;
  EXPECT_THAT(ropeFrequencies(4, 10000, scaling),
              ElementsAre(FloatEq(0.25), FloatEq(0.0025)));
}

TEST(Rope, Llama3ScalingHasThreeRanges) {
  RopeScaling scaling;
  scaling.kind = RopeScaling::Llama3;
  scaling.factor = 8;
  scaling.lowFreqFactor = 1;
  scaling.highFreqFactor = 4;
  scaling.originalContext = 128;
  // Frequencies 1, 0.1, 0.01, wavelengths 6.28, 62.8, 628. Kept below 128 / 4,
  // divided above 128 / 1; in between smooth = (128 / 62.832 - 1) / 3 =
  // 0.345727, and (1 - smooth) * 0.1 / 8 + smooth * 0.1 = 0.0427511.
  EXPECT_THAT(
      ropeFrequencies(6, 1000, scaling),
      ElementsAre(FloatEq(1), FloatNear(0.0427511f, 1e-7), FloatEq(0.00125)));
}

TEST(Rope, PairsAreHalfAHeadApart) {
  // A quarter turn for the first pair, none for the second.
  std::vector<float> head = {1, 2, 3, 4}, frequencies = {M_PI_2, 0};
  applyRope(head, frequencies, 1);
  EXPECT_THAT(head, ElementsAre(FloatNear(-3, 1e-6), FloatEq(2),
                                FloatNear(1, 1e-6), FloatEq(4)));
}

TEST(Rope, AngleGrowsWithThePosition) {
  std::vector<float> head = {1, 0}, frequencies = {M_PI / 12};
  applyRope(head, frequencies, 2); // 30 degrees
  EXPECT_THAT(head, ElementsAre(FloatNear(std::sqrt(0.75f), 1e-6),
                                FloatNear(0.5, 1e-6)));
}

TEST(Softmax, LargeInputsDoNotOverflow) {
  std::vector<float> x = {1000, 1000 + std::log(3.0f)};
  softmax(x);
  // The float 1000 + ln 3 is off by up to 3e-5.
  EXPECT_THAT(x, ElementsAre(FloatNear(0.25, 1e-5), FloatNear(0.75, 1e-5)));
}

TEST(Activate, SiLU) {
  EXPECT_FLOAT_EQ(activate(Activation::SiLU, 0), 0);
  EXPECT_FLOAT_EQ(activate(Activation::SiLU, std::log(3.0f)),
                  0.75f * std::log(3.0f));
  EXPECT_NEAR(activate(Activation::SiLU, -100), 0, 1e-30);
}

TEST(Activate, ReLU2) {
  EXPECT_EQ(activate(Activation::ReLU2, -3), 0);
  EXPECT_EQ(activate(Activation::ReLU2, 3), 9);
}

TEST(AttendHead, WeighsValuesBySoftmax) {
  // d = 4: scores are products / 2. Products 0 and 2 ln 3 give weights 1/4 and
  // 3/4. The row stride of 5 leaves one float between the positions.
  float ln3 = std::log(3.0f);
  std::vector<float> query = {2, 0, 0, 0}, out(4);
  std::vector<float> keys = {0, 9, 9, 9, -1, ln3, 9, 9, 9};
  std::vector<float> values = {4, 0, 8, 0, -1, 0, 4, 8, -4};
  attendHead(query, keys.data(), values.data(), 2, 5, out);
  EXPECT_THAT(out,
              ElementsAre(FloatEq(1), FloatEq(3), FloatEq(8), FloatEq(-3)));
}
