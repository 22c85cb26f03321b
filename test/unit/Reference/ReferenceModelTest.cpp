//===- ReferenceModelTest.cpp - Whole decoders worked out by hand ---------===//
//
// Models of one layer whose matrices are zero or the identity, so that a
// whole forward pass fits into a comment. RoPE uses headDim 2 and theta 1:
// the angle of position p is p radians.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Reference/ReferenceModel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <list>

using namespace bitnetc;
using namespace llvm;
using testing::HasSubstr;

namespace {

/// A ternary matrix in memory.
class MemoryWeight : public TernaryWeight {
public:
  MemoryWeight(std::string name, int64_t rows, int64_t cols,
               std::vector<int8_t> values, float scale)
      : TernaryWeight(std::move(name), rows, cols), values(std::move(values)),
        factor(scale) {}
  Error readRows(int64_t row, int64_t count, int8_t *out) const override {
    std::copy_n(values.data() + row * cols, count * cols, out);
    return Error::success();
  }
  Expected<float> scale() const override { return factor; }

  std::vector<int8_t> values;
  float factor;
};

/// A model in memory: hidden 2, intermediate 2, one layer, one head, three
/// tokens. All ternary weights start as zero, all gains and the head as in the
/// constructor.
class TinyModel : public Model {
public:
  TinyModel() {
    config.hidden = config.intermediate = config.headDim = 2;
    config.layers = config.heads = config.kvHeads = 1;
    config.vocab = 3;
    config.maxContext = 8;
    config.normEps = 0;
    config.ropeTheta = 1;
    config.activation = Activation::ReLU2;
    // Token embeddings have root mean square 1, so the first norm keeps them.
    embedding = dense({3, 2}, {1, 1, 1, -1, -1, 1});
    head = dense({3, 2}, {1, 0, 0, 1, 1, 1});
    finalNorm = dense({2}, {1, 1});
    LayerWeights layer;
    for (auto *weight : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate,
                         &layer.up, &layer.down})
      *weight = ternary({0, 0, 0, 0});
    layer.inputNorm = layer.postAttentionNorm = finalNorm;
    layers.push_back(std::move(layer));
  }

  std::unique_ptr<TernaryWeight> ternary(std::vector<int8_t> values,
                                         float scale = 1) {
    return std::make_unique<MemoryWeight>("matrix", 2, 2, std::move(values),
                                          scale);
  }

  DenseWeight dense(std::vector<int64_t> shape, std::vector<float> values) {
    storage.push_back(std::move(values));
    DenseWeight weight;
    weight.shape = std::move(shape);
    weight.data = reinterpret_cast<const uint8_t *>(storage.back().data());
    weight.bytes = storage.back().size() * sizeof(float);
    return weight;
  }

  std::list<std::vector<float>> storage;
};

std::vector<float> evaluate(const Model &model, ArrayRef<int32_t> tokens) {
  ReferenceModel reference(model);
  std::vector<float> logits(tokens.size() * model.config.vocab);
  cantFail(reference.eval(tokens, 0, logits));
  return logits;
}

/// The logits of a final hidden state that is (a, b) before its norm.
void expectState(ArrayRef<float> logits, double a, double b) {
  double rms = std::sqrt((a * a + b * b) / 2);
  EXPECT_NEAR(logits[0], a / rms, 2e-6);
  EXPECT_NEAR(logits[1], b / rms, 2e-6);
  EXPECT_NEAR(logits[2], (a + b) / rms, 4e-6);
}

const std::vector<int8_t> unit = {1, 0, 0, 1};

} // namespace

TEST(ReferenceModel, ZeroLayersLeaveTheEmbedding) {
  TinyModel model;
  std::vector<float> logits = evaluate(model, {1});
  expectState(logits, 1, -1);
}

TEST(ReferenceModel, UntiedHeadAndFinalNormGain) {
  TinyModel model;
  model.head = model.dense({3, 2}, {2, 0, 0, 3, 1, -1});
  model.finalNorm = model.dense({2}, {4, 5});
  std::vector<float> logits = evaluate(model, {0});
  EXPECT_THAT(logits, testing::ElementsAre(8, 15, -1));
}

TEST(ReferenceModel, EqualScoresAverageTheValues) {
  // q = k = 0, so every position weighs the same. v and o are identities:
  // position 1 adds the mean of (1, 1) and (1, -1), which is (1, 0).
  TinyModel model;
  model.layers[0].v = model.ternary(unit);
  model.layers[0].o = model.ternary(unit, 0.5);
  std::vector<float> logits = evaluate(model, {0, 1});
  expectState(ArrayRef(logits).take_front(3), 1 + 0.5, 1 + 0.5);
  expectState(ArrayRef(logits).drop_front(3), 1 + 0.5, -1);
}

TEST(ReferenceModel, ScoresDependOnTheDistance) {
  // q, k, v, o are identities and both tokens are (1, 1): the product of the
  // rotated vectors is 2 cos(distance). Values differ by their tokens.
  TinyModel model;
  for (auto *weight : {&model.layers[0].q, &model.layers[0].k,
                       &model.layers[0].v, &model.layers[0].o})
    *weight = model.ternary(unit);
  std::vector<float> logits = evaluate(model, {0, 1});
  // Position 1: its own score (1, -1).(1, -1) = 2. The rotation of (1, 1) by
  // minus one radian is (cos 1 + sin 1, cos 1 - sin 1); its product with
  // (1, -1) is 2 sin 1. Scores are divided by sqrt 2.
  double other = std::exp(2 * std::sin(1.0) / std::sqrt(2.0));
  double own = std::exp(2 / std::sqrt(2.0));
  double weight = own / (own + other); // of the value (1, -1)
  // The mix is (1, 1 - 2 weight); o quantizes it to steps of 1 / 127.
  double mixed = std::nearbyint((1 - 2 * weight) * 127) / 127;
  expectState(ArrayRef(logits).drop_front(3), 2, -1 + mixed);
}

TEST(ReferenceModel, GatedFeedForward) {
  // Input (1, 1). gate = (2, -2), relu2 -> (4, 0); up = (3, 3); product
  // (12, 0); down swaps: (0, 12).
  TinyModel model;
  model.layers[0].gate = model.ternary({1, 0, 0, -1}, 2);
  model.layers[0].up = model.ternary(unit, 3);
  model.layers[0].down = model.ternary({0, 1, 1, 0});
  expectState(evaluate(model, {0}), 1, 1 + 12);
}

TEST(ReferenceModel, SubNorms) {
  // As above with a norm before down: (12, 0) / sqrt(72) * gain (5, 1).
  TinyModel model;
  model.config.subNorms = true;
  model.layers[0].gate = model.ternary({1, 0, 0, -1}, 2);
  model.layers[0].up = model.ternary(unit, 3);
  model.layers[0].down = model.ternary({0, 1, 1, 0});
  model.layers[0].ffnSubNorm = model.dense({2}, {5, 1});
  expectState(evaluate(model, {0}), 1, 1 + 5 * std::sqrt(2.0));

  // And before o: the value (1, 1) * 7 becomes (1, 1) * gain (2, 4) there.
  TinyModel attention;
  attention.config.subNorms = true;
  attention.layers[0].v = attention.ternary(unit, 7);
  attention.layers[0].o = attention.ternary({0, 0, 0, 1});
  attention.layers[0].attnSubNorm = attention.dense({2}, {2, 4});
  expectState(evaluate(attention, {0}), 1, 1 + 4);
}

TEST(ReferenceModel, NormInsideALinearLayer) {
  // v's own norm has gains (3, 6): the value of (1, 1) is (3, 6), and
  // quantization to steps of 6 / 127 makes 3 = 63.5 steps 64 of them.
  TinyModel model;
  model.config.linearNorms = true;
  model.config.linearNormEps = 0;
  model.layers[0].linearNorms["v"] = model.dense({2}, {3, 6});
  model.layers[0].v = model.ternary(unit);
  model.layers[0].o = model.ternary(unit);
  expectState(evaluate(model, {0}), 1 + 64 * 6 / 127.0, 1 + 6);
}

TEST(ReferenceModel, GroupedHeadsShareKeysAndValues) {
  // hidden 2, two query heads of dimension 2 on one shared value head. Both
  // heads see the value (1, 1), o = [2, 4] picks element 0 of head 1.
  TinyModel model;
  model.config.heads = 2;
  model.layers[0].q =
      std::make_unique<MemoryWeight>("q", 4, 2, std::vector<int8_t>(8, 0), 1);
  model.layers[0].v = model.ternary({1, 0, 0, 0});
  model.layers[0].o = std::make_unique<MemoryWeight>(
      "o", 2, 4, std::vector<int8_t>{0, 0, 1, 0, 0, 0, 0, 0}, 1);
  expectState(evaluate(model, {0}), 1 + 1, 1);
}

TEST(ReferenceModel, SecondKeyHeadServesTheUpperHalf) {
  // Two query heads, two key-value heads: head 1 reads value elements 2, 3.
  TinyModel model;
  model.config.heads = model.config.kvHeads = 2;
  model.layers[0].q =
      std::make_unique<MemoryWeight>("q", 4, 2, std::vector<int8_t>(8, 0), 1);
  model.layers[0].k =
      std::make_unique<MemoryWeight>("k", 4, 2, std::vector<int8_t>(8, 0), 1);
  model.layers[0].v = std::make_unique<MemoryWeight>(
      "v", 4, 2, std::vector<int8_t>{0, 0, 0, 0, 1, 0, 0, -1}, 1);
  model.layers[0].o = std::make_unique<MemoryWeight>(
      "o", 2, 4, std::vector<int8_t>{0, 0, 1, 0, 0, 0, 0, 1}, 1);
  expectState(evaluate(model, {0}), 1 + 1, 1 - 1);
}

TEST(ReferenceModel, OneByOneEqualsAllAtOnce) {
  TinyModel model;
  for (auto *weight : {&model.layers[0].q, &model.layers[0].k,
                       &model.layers[0].v, &model.layers[0].o})
    *weight = model.ternary(unit);
  const std::vector<int32_t> tokens = {0, 1, 2, 1, 0};
  std::vector<float> all = evaluate(model, tokens), single(all.size());
  ReferenceModel reference(model);
  for (size_t i = 0; i < tokens.size(); ++i)
    cantFail(
        reference.eval(tokens[i], i, MutableArrayRef(single).slice(i * 3, 3)));
  EXPECT_EQ(all, single);

  // Going back forgets the later positions.
  std::vector<float> again(3);
  cantFail(reference.eval(tokens[1], 1, again));
  EXPECT_EQ(ArrayRef(again), ArrayRef(all).slice(3, 3));
  EXPECT_THAT(toString(reference.eval(0, 3, again)),
              HasSubstr("position: expected 0 to 2, but got 3"));
}

TEST(ReferenceModel, RefusesWhatItCannotEvaluate) {
  TinyModel model;
  ReferenceModel reference(model);
  std::vector<float> logits(3), many(9 * 3);
  EXPECT_THAT(toString(reference.eval(3, 0, logits)),
              HasSubstr("token id: expected 0 to 2, but got 3"));
  EXPECT_THAT(toString(reference.eval(-1, 0, logits)), HasSubstr("got -1"));
  EXPECT_THAT(toString(reference.eval(std::vector<int32_t>(9), 0, many)),
              HasSubstr("context: expected at most 8 tokens, but got 9"));
  EXPECT_THAT(toString(reference.eval(0, 0, many)),
              HasSubstr("logits: expected room for 3 numbers"));
}

TEST(ReferenceModel, NamesTheLayerThatOverflows) {
  TinyModel model;
  float huge = std::numeric_limits<float>::max();
  model.layers[0].gate = model.ternary(unit, huge);
  model.layers[0].up = model.ternary(unit);
  model.layers[0].down =
      std::make_unique<MemoryWeight>("down_proj", 2, 2, unit, 1);
  ReferenceModel reference(model);
  std::vector<float> logits(3);
  EXPECT_THAT(
      toString(reference.eval(0, 0, logits)),
      HasSubstr("'down_proj': expected finite input, but got infinity"));
}
