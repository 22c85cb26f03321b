//===- SessionTest.cpp - Tests of sessions and perplexity ---------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "session.h"
#include "perplexity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace bitnet;

// Of FakeModel.cpp: the most tokens of a call for several sequences so far.
extern "C" uint64_t fakeMostPlaces;

namespace {

// What FakeModel.cpp wants in its weight section: 1024 times the multiplier.
struct alignas(64) Weights {
  uint32_t words[1024];
  Weights() { std::fill(std::begin(words), std::end(words), 7); }
};
const Weights weights;

int32_t following(const std::vector<int32_t> &tokens) {
  uint64_t state = 0;
  for (size_t q = 0; q != tokens.size(); ++q)
    state += (q + 1) * uint64_t(tokens[q]);
  return int32_t((7 * state + 3) % bn_model_info.vocab_size);
}

int32_t best(const float *logits) {
  return int32_t(std::max_element(logits, logits + bn_model_info.vocab_size) -
                 logits);
}

TEST(Session, RewindGoesBackInTime) {
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, {}));
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i != 30; ++i)
    tokens.push_back(i * 3 % 101);
  ASSERT_FALSE(session.eval(tokens.data(), tokens.size()));
  EXPECT_EQ(best(session.logits()), following(tokens));
  session.rewind(12);
  tokens.resize(12);
  tokens.push_back(55);
  ASSERT_FALSE(session.eval(&tokens[12], 1));
  EXPECT_EQ(best(session.logits()), following(tokens));
  EXPECT_EQ(session.position(), 13u);
}

TEST(Session, FewLogitsWhereFewAreWanted) {
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, {}));
  auto finite = [&] {
    return std::count_if(session.logits(),
                         session.logits() + session.vocabSize(),
                         [](float logit) { return std::isfinite(logit); });
  };
  const int32_t tokens[] = {4, 9};
  // All of them, if all or many are wanted: of a prompt and of a step.
  for (auto [top, expected] :
       {std::pair(0u, 101), {1u, 1}, {3u, 3}, {4u, 101}, {101u, 101}})
    for (uint32_t known : {0u, 1u}) {
      session.rewind(known);
      ASSERT_FALSE(session.eval(tokens + known, 2 - known, nullptr, top));
      EXPECT_EQ(finite(), expected);
      EXPECT_EQ(best(session.logits()), following({4, 9}));
    }
  bn_model whole = bn_model_info;
  whole.prefill_top = whole.decode_top = nullptr;
  Session other;
  ASSERT_FALSE(other.open(whole, weights.words, {}));
  ASSERT_FALSE(other.eval(tokens, 1, nullptr, 1));
  EXPECT_EQ(best(other.logits()), following({4}));
  ASSERT_FALSE(other.eval(tokens, 2, nullptr, 1));
  EXPECT_EQ(best(other.logits()), following({4, 4, 9}));
}

TEST(Session, StopsBetweenBatches) {
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, {}));
  std::vector<int32_t> tokens(30, 1);
  static int calls;
  calls = 0;
  ASSERT_FALSE(
      session.eval(tokens.data(), tokens.size(), [] { return ++calls == 3; }));
  EXPECT_EQ(session.position(), 2 * bn_model_info.max_batch);
}

TEST(Session, SmallBatchesWithoutMatrixTiles) {
  std::vector<int32_t> tokens(30, 1);
  static int calls;
  auto positionAfterTwoCalls = [&](bool tiles, uint32_t batch) {
    SessionOptions options;
    options.tiles = tiles;
    options.batch = batch;
    Session session;
    EXPECT_FALSE(session.open(bn_model_info, weights.words, options));
    calls = 0;
    EXPECT_FALSE(session.eval(tokens.data(), tokens.size(),
                              [] { return ++calls == 3; }));
    return session.position();
  };
  ASSERT_EQ(bn_model_info.tile_batch, 4u);
  EXPECT_EQ(positionAfterTwoCalls(true, 0), 2 * bn_model_info.max_batch);
  EXPECT_EQ(positionAfterTwoCalls(false, 0), 2 * 3u);
  EXPECT_EQ(positionAfterTwoCalls(false, 5), 2 * 3u);
  EXPECT_EQ(positionAfterTwoCalls(false, 2), 2 * 2u);
}

TEST(Session, ErrorsChangeNothing) {
  SessionOptions options;
  options.context = 20;
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, options));
  std::vector<int32_t> tokens(15, 2);
  ASSERT_FALSE(session.eval(tokens.data(), tokens.size()));
  EXPECT_EQ(session.eval(tokens.data(), 6).message(),
            "context: expected at most 5 more tokens, but got 6; give more "
            "than 20 positions with -c");
  tokens[1] = 101;
  EXPECT_EQ(session.eval(tokens.data(), 2).message(),
            "prompt: token 2: expected an id from 0 to 100, but got 101");
  tokens[1] = -1;
  EXPECT_TRUE(bool(session.eval(tokens.data(), 2)));
  EXPECT_EQ(session.position(), 15u);
}

void checkSequences(SessionOptions options) {
  options.sequences = 6;
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, options));
  ASSERT_EQ(session.sequences(), 6u);
  std::vector<std::vector<int32_t>> texts(6);
  for (uint32_t s = 0; s != 6; ++s) {
    for (uint32_t i = 0; i != 3 * s + 1; ++i)
      texts[s].push_back(int32_t((7 * i + 5 * s) % 101));
    session.use(s);
    ASSERT_FALSE(session.eval(texts[s].data(), texts[s].size()));
    EXPECT_EQ(best(session.logits()), following(texts[s]));
  }
  // Any of them, in any order, all logits or few.
  for (auto &chosen : std::vector<std::vector<uint32_t>>{
           {0, 1, 2, 3, 4, 5}, {5, 2}, {3}, {}, {4, 3, 1, 0, 2}})
    for (uint32_t top : {0u, 1u}) {
      std::vector<Session::Next> next;
      for (uint32_t s : chosen) {
        next.push_back({s, int32_t(texts[s].size() * 11 % 101)});
        texts[s].push_back(next.back().token);
      }
      ASSERT_FALSE(session.evalEach(next.data(), next.size(), top));
      for (size_t i = 0; i != chosen.size(); ++i) {
        EXPECT_EQ(best(session.logits(i)), following(texts[chosen[i]]));
        session.use(chosen[i]);
        EXPECT_EQ(session.position(), texts[chosen[i]].size());
      }
    }
}

TEST(Session, SequencesDoNotMix) { checkSequences({}); }

TEST(Session, FewSequencesInACallWithoutMatrixTiles) {
  SessionOptions options;
  fakeMostPlaces = 0;
  checkSequences(options);
  EXPECT_EQ(fakeMostPlaces, 6u);
  options.tiles = false;
  fakeMostPlaces = 0;
  checkSequences(options);
  EXPECT_EQ(fakeMostPlaces, bn_model_info.tile_batch - 1);
}

TEST(Session, SequencesThatCannotAdvance) {
  SessionOptions options;
  options.sequences = 3;
  options.context = 4;
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, options));
  const int32_t tokens[] = {1, 2, 3, 4};
  session.use(1);
  ASSERT_FALSE(session.eval(tokens, 4));
  auto fails = [&](std::vector<Session::Next> next) {
    return session.evalEach(next.data(), next.size()).message();
  };
  EXPECT_EQ(fails({{0, 1}, {3, 1}}),
            "token 2: expected a sequence below 3 of its own, but got 3");
  EXPECT_EQ(fails({{2, 1}, {2, 1}}),
            "token 2: expected a sequence below 3 of its own, but got 2");
  EXPECT_EQ(fails({{0, 1}, {1, 1}}),
            "context: expected at most 0 more tokens, but got 1; give more "
            "than 4 positions with -c");
  EXPECT_EQ(fails({{0, 101}}),
            "prompt: token 1: expected an id from 0 to 100, but got 101");
  for (uint32_t s : {0u, 2u}) {
    session.use(s);
    EXPECT_EQ(session.position(), 0u);
  }
  for (uint32_t count : {0u, 7u}) {
    options.sequences = count;
    Session other;
    EXPECT_EQ(other.open(bn_model_info, weights.words, options).message(),
              "sequences: expected 1 to 6, which the model was compiled for "
              "(--max-sequences), but got " +
                  std::to_string(count));
  }
}

TEST(Session, RefusesMemoryThatIsNotThere) {
  bn_model huge = bn_model_info;
  huge.kv_bytes_per_token = uint64_t(1) << 60;
  Session session;
  Error error = session.open(huge, weights.words, {});
  EXPECT_NE(error.message().find("key-value cache: expected "),
            std::string::npos)
      << error.message();
}

TEST(Session, RefusesBrokenDescriptions) {
  for (auto field :
       {&bn_model::vocab_size, &bn_model::max_context, &bn_model::max_batch,
        &bn_model::max_logits, &bn_model::max_sequences}) {
    bn_model broken = bn_model_info;
    broken.*field = 0;
    EXPECT_TRUE(bool(Session::checkModel(broken)));
  }
  bn_model noCalls = bn_model_info;
  noCalls.tile_batch = 1;
  EXPECT_TRUE(bool(Session::checkModel(noCalls)));
  bn_model single = bn_model_info;
  single.decode_batch = nullptr;
  EXPECT_TRUE(bool(Session::checkModel(single)));
  single.max_sequences = 1;
  EXPECT_FALSE(bool(Session::checkModel(single)));
  bn_model other = bn_model_info;
  ++other.abi_version;
  EXPECT_TRUE(bool(Session::checkModel(other)));
  EXPECT_FALSE(Session::checkModel(bn_model_info));
}

TEST(Perplexity, OfUniformLogits) {
  std::vector<float> logits(64, -3.0f);
  EXPECT_NEAR(negativeLogLikelihood(logits.data(), 64, 5), std::log(64.0),
              1e-12);
  logits[5] = 1000; // no overflow
  EXPECT_NEAR(negativeLogLikelihood(logits.data(), 64, 5), 0, 1e-12);
  EXPECT_NEAR(negativeLogLikelihood(logits.data(), 64, 6), 1003, 1e-9);
}

TEST(Perplexity, BosStartsEveryWindow) {
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, {}));
  std::vector<int32_t> tokens = {4, 9, 1, 33, 100, 2, 7};
  Perplexity result;
  ASSERT_FALSE(measurePerplexity(session, tokens, 50, 3, result));
  EXPECT_EQ(result.predicted, 7u);
  EXPECT_EQ(result.windows, 3u);
  double sum = 0;
  for (size_t start = 0; start < tokens.size(); start += 3) {
    std::vector<int32_t> text = {50};
    for (size_t i = start; i < std::min(start + 3, tokens.size()); ++i) {
      std::vector<float> logits(101);
      for (int v = 0; v != 101; ++v)
        logits[v] = -0.5f * float((v + 101 - following(text)) % 101);
      sum += negativeLogLikelihood(logits.data(), 101, tokens[i]);
      text.push_back(tokens[i]);
    }
  }
  EXPECT_NEAR(result.negativeLogLikelihood, sum, 1e-9);
}

TEST(Perplexity, NeedsSomethingToPredict) {
  Session session;
  ASSERT_FALSE(session.open(bn_model_info, weights.words, {}));
  Perplexity result;
  EXPECT_TRUE(bool(measurePerplexity(session, {4}, -1, 3, result)));
  EXPECT_FALSE(measurePerplexity(session, {4}, 50, 3, result));
}

} // namespace
