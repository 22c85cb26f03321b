//===- CApiTest.cpp - Tests of the public C interface -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnet/bitnet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace {

TEST(CApi, EvaluatesAndRewinds) {
  char why[256] = "";
  bitnet_session *session =
      bitnet_open(FAKE_PROGRAM, nullptr, why, sizeof(why));
  ASSERT_NE(session, nullptr) << why;
  EXPECT_EQ(bitnet_vocab_size(session), 101u);
  EXPECT_EQ(bitnet_context(session), 300u);
  int32_t tokens[] = {10, 20, 30};
  ASSERT_EQ(bitnet_eval(session, tokens, 3, why, sizeof(why)), 0) << why;
  const float *logits = bitnet_logits(session);
  int best = int(std::max_element(logits, logits + 101) - logits);
  EXPECT_EQ(best, (7 * (10 + 40 + 90) + 3) % 101);
  bitnet_rewind(session, 100); // nothing there
  EXPECT_EQ(bitnet_position(session), 3u);
  bitnet_rewind(session, 1);
  EXPECT_EQ(bitnet_position(session), 1u);
  tokens[0] = 101;
  EXPECT_EQ(bitnet_eval(session, tokens, 1, why, 10), -1);
  EXPECT_STREQ(why, "prompt: t"); // cut to ten bytes
  EXPECT_EQ(bitnet_tokenize(session, "a", 1, 1, 0, tokens, 3), 0u);
  EXPECT_EQ(bitnet_is_end(session, 0), 0);
  bitnet_free(session);
}

TEST(CApi, OptionsAreUsed) {
  char why[256] = "";
  bitnet_options options = {17, 2, 1, 0};
  bitnet_session *session =
      bitnet_open(FAKE_PROGRAM, &options, why, sizeof(why));
  ASSERT_NE(session, nullptr) << why;
  EXPECT_EQ(bitnet_context(session), 17u);
  bitnet_free(session);
  options.context = 301;
  EXPECT_EQ(bitnet_open(FAKE_PROGRAM, &options, why, sizeof(why)), nullptr);
  EXPECT_NE(strstr(why, "expected at most 300 positions"), nullptr) << why;
}

TEST(CApi, TextsAdvanceTogether) {
  char why[256] = "";
  bitnet_options options = {};
  options.sequences = 3;
  bitnet_session *session =
      bitnet_open(FAKE_PROGRAM, &options, why, sizeof(why));
  ASSERT_NE(session, nullptr) << why;
  EXPECT_EQ(bitnet_use(session, 3), -1);
  const int32_t first[] = {10, 20, 30};
  for (uint32_t s = 0; s != 3; ++s) {
    ASSERT_EQ(bitnet_use(session, s), 0);
    ASSERT_EQ(bitnet_eval(session, &first[s], 1, why, sizeof(why)), 0) << why;
  }
  const uint32_t sequences[] = {2, 0};
  const int32_t next[] = {7, 8};
  ASSERT_EQ(bitnet_eval_each(session, sequences, next, 2, why, sizeof(why)), 0)
      << why;
  for (int i = 0; i != 2; ++i) {
    const float *logits = bitnet_logits_of(session, i);
    int best = int(std::max_element(logits, logits + 101) - logits);
    EXPECT_EQ(best, (7 * (first[sequences[i]] + 2 * next[i]) + 3) % 101);
  }
  EXPECT_EQ(bitnet_position(session), 2u); // still the last one used
  bitnet_use(session, 1);
  EXPECT_EQ(bitnet_position(session), 1u);
  const uint32_t twice[] = {1, 1};
  EXPECT_EQ(bitnet_eval_each(session, twice, next, 2, why, sizeof(why)), -1);
  EXPECT_STREQ(why, "token 2: expected a sequence below 3 of its own, but got "
                    "1");
  bitnet_free(session);
}

TEST(CApi, OwnFileHasNoData) {
  char why[256] = "";
  EXPECT_EQ(bitnet_open(nullptr, nullptr, why, sizeof(why)), nullptr);
  EXPECT_NE(strstr(why, "trailer: expected the model's data"), nullptr) << why;
  EXPECT_EQ(bitnet_open("/none", nullptr, why, sizeof(why)), nullptr);
  EXPECT_STREQ(why, "/none: No such file or directory");
  bitnet_free(nullptr);
}

} // namespace
