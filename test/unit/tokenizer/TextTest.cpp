//===- TextTest.cpp - Text to ids and back, token by token ----------------===//
//
// Ids are compared with the reference library by test/Import/tokenizer.test;
// here stands what that library has no counterpart for.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerFixture.h"
#include "llvm/Support/ConvertUTF.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <random>

using namespace bitnetc::test;
using testing::ElementsAre;

constexpr const char *byteLevelNames[] = {"gpt2", "llama3", "falcon", "digits"};
constexpr const char replacement[] = "\xef\xbf\xbd";

static bool isUtf8(const std::string &text) {
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data());
  return llvm::isLegalUTF8String(&begin, begin + text.size());
}

/// The id of the token whose bytes are `bytes`.
static int32_t findId(const Loaded &loaded, const std::string &bytes) {
  for (int32_t id = 0; id < loaded.tokenizer.vocabSize(); ++id)
    if (loaded.tokenizer.decodeToken(id) == bytes)
      return id;
  ADD_FAILURE() << "no token for '" << bytes << "'";
  return -1;
}

TEST(TokenizerStream, NeverSplitsCharacters) {
  // None of these characters is one token of the small vocabularies.
  const std::string text = "\xf0\x9f\x98\xb6\xe2\x80\x8d\xf0\x9f\x8c\xab "
                           "\xe1\x9e\x80\xe1\x9e\xb6 \xe6\xbc\xa2 ok";
  for (const char *name : {"gpt2", "llama2"}) {
    Loaded loaded(name);
    std::vector<int32_t> ids = loaded.tokenizer.encode(text, false, false);
    size_t withoutText = 0;
    for (const std::string &piece : loaded.stream(ids)) {
      EXPECT_TRUE(isUtf8(piece)) << name;
      withoutText += piece.empty();
    }
    EXPECT_GT(withoutText, 8u) << name << ": characters were made of tokens";
    EXPECT_EQ(loaded.decode(ids), text) << name;
  }
}

TEST(TokenizerStream, EmitsCharactersAsSoonAsTheyAreWhole) {
  Loaded loaded("gpt2");
  std::vector<int32_t> ids = {findId(loaded, "\xf0"), findId(loaded, "\x9f"),
                              findId(loaded, "\xa6"), findId(loaded, "\x99"),
                              findId(loaded, "a")};
  EXPECT_THAT(loaded.stream(ids),
              ElementsAre("", "", "", "\xf0\x9f\xa6\x99", "a", ""));
}

TEST(TokenizerStream, BrokenCharactersBecomeOneSign) {
  Loaded loaded("gpt2");
  int32_t lead = findId(loaded, "\xf0"), next = findId(loaded, "\x9f"),
          letter = findId(loaded, "a");
  EXPECT_EQ(loaded.decode({lead, next, letter}),
            std::string(replacement) + "a");
  EXPECT_EQ(loaded.decode({lead, next}), replacement) << "by flush()";
  EXPECT_EQ(loaded.decode({next, next, letter}),
            std::string(replacement) + replacement + "a");
}

TEST(TokenizerStream, Llama2DropsTheFirstSpaceOfATextOnly) {
  Loaded loaded("llama2");
  std::vector<int32_t> ids =
      loaded.tokenizer.encode("God said", /*addSpecial=*/true, false);
  EXPECT_EQ(loaded.decode(ids), "God said");
  EXPECT_EQ(loaded.decode(ids, /*atStart=*/false), " God said");
  ids = loaded.tokenizer.encode("  God", true, false);
  EXPECT_EQ(loaded.decode(ids), "  God");
}

TEST(TokenizerStream, LeavesSpecialTokensOut) {
  Loaded loaded("llama3");
  std::vector<int32_t> ids =
      loaded.tokenizer.encode("a<|end|>b", true, /*parseSpecial=*/true);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0], loaded.tokenizer.bos());
  EXPECT_TRUE(loaded.tokenizer.isEos(ids[2]));
  EXPECT_EQ(loaded.tokenizer.decodeToken(ids[2]), "<|end|>");
  EXPECT_EQ(loaded.decode(ids), "ab");
  // As text it is no token, and comes back as text.
  ids = loaded.tokenizer.encode("a<|end|>b", false, /*parseSpecial=*/false);
  EXPECT_GT(ids.size(), 4u);
  EXPECT_EQ(loaded.decode(ids), "a<|end|>b");
}

TEST(TokenizerStream, IgnoresIdsWithoutToken) {
  Loaded loaded("gpt2");
  EXPECT_EQ(loaded.decode({-1, loaded.tokenizer.vocabSize(), 1 << 30}), "");
  EXPECT_EQ(loaded.tokenizer.decodeToken(-1), "");
}

TEST(TokenizerEncode, AnyBytesComeBack) {
  std::mt19937 random(1);
  for (const char *name : byteLevelNames) {
    Loaded loaded(name);
    for (int round = 0; round < 300; ++round) {
      std::string text(random() % 64, 0);
      for (char &c : text)
        c = static_cast<char>(random() % 4 ? random() : ' ' + random() % 16);
      std::string back;
      for (int32_t id : loaded.tokenizer.encode(text, false, false))
        back += loaded.tokenizer.decodeToken(id);
      EXPECT_EQ(back, text) << name;
    }
  }
}

TEST(TokenizerEncode, Utf8ThatIsNoneFallsBackToBytes) {
  Loaded loaded("llama2");
  std::string back;
  for (int32_t id : loaded.tokenizer.encode("a\xff\xc3", false, false))
    back += loaded.tokenizer.decodeToken(id);
  EXPECT_EQ(back, " a\xff\xc3");
}

/// A word of a megabyte: with quadratic merging this would take minutes.
TEST(TokenizerEncode, LongWordsTakeNoQuadraticTime) {
  std::string text;
  while (text.size() < (1u << 20))
    text += "thethere";
  for (const char *name : {"gpt2", "llama2"}) {
    Loaded loaded(name);
    std::vector<int32_t> ids = loaded.tokenizer.encode(text, false, false);
    EXPECT_LT(ids.size(), text.size());
    EXPECT_EQ(loaded.decode(ids), text);
  }
}

TEST(TokenizerEncode, UnopenedTokenizerIsEmpty) {
  bitnet::Tokenizer tokenizer;
  EXPECT_EQ(tokenizer.vocabSize(), 0);
  EXPECT_EQ(tokenizer.bos(), -1);
  EXPECT_TRUE(tokenizer.encode("text", true, true).empty());
  EXPECT_EQ(tokenizer.decodeToken(0), "");
}
