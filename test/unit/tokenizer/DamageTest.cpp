//===- DamageTest.cpp - Broken tokenizer sections -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerFixture.h"
#include "gtest/gtest.h"
#include <cstring>
#include <random>

using namespace bitnetc::test;
using namespace bitnet::tokfmt;
using bitnet::Tokenizer;

static const char *openCopy(const Blob &blob, Tokenizer &out, size_t size) {
  return Tokenizer::open(blob.words.data(), size, out);
}

TEST(TokenizerOpen, RefusesEveryTruncation) {
  Blob blob = importBlob("llama3");
  Tokenizer tokenizer;
  for (size_t size = 0; size < blob.size; size += size < 512 ? 1 : 331)
    EXPECT_STREQ(openCopy(blob, tokenizer, size), "the tokenizer is cut off");
  EXPECT_STREQ(openCopy(blob, tokenizer, blob.size), nullptr);
}

TEST(TokenizerOpen, SaysWhatIsWrong) {
  Blob blob = importBlob("llama3");
  Tokenizer tokenizer;
  auto openChanged = [&](auto change) {
    Blob copy = blob;
    change(*reinterpret_cast<Header *>(copy.data()), copy.data());
    const char *reason = openCopy(copy, tokenizer, copy.size);
    return std::string(reason ? reason : "");
  };
  auto at = [](Header &header, char *base, SectionKind kind) {
    return base + header.sections[kind].offset;
  };
  EXPECT_EQ(openChanged([](Header &header, char *) { header.magic[0] = 'X'; }),
            "the tokenizer section holds something else");
  EXPECT_EQ(openChanged([](Header &header, char *) { ++header.version; }),
            "the tokenizer was written by another version of the compiler");
  EXPECT_EQ(openChanged([](Header &header, char *) { header.vocabSize = 0; }),
            "the tokenizer has an impossible vocabulary size");
  EXPECT_EQ(openChanged([](Header &header, char *) {
              header.bos = int32_t(header.vocabSize);
            }),
            "a special token of the tokenizer is out of range");
  EXPECT_EQ(openChanged([](Header &header, char *) {
              header.sections[Merges].offset = 0xfffffff8u;
            }),
            "the tokenizer is cut off");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, TokenOffsets) + 8, 0xff, 4);
            }),
            "the token table of the tokenizer is damaged");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, VocabHash), 1,
                          header.sections[VocabHash].bytes);
            }),
            "the vocabulary index of the tokenizer is damaged");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, Merges), 0x7f, 12);
            }),
            "the merge table of the tokenizer is damaged");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, AddedNormal), 0x7f, 16);
            }),
            "the added tokens of the tokenizer are damaged");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, Splitters), 0x7f, 4);
            }),
            "the steps of the tokenizer are damaged");
  EXPECT_EQ(openChanged([&](Header &header, char *base) {
              std::memset(at(header, base, ClassIndex), 0x7f, 2);
            }),
            "the character tables of the tokenizer are damaged");
}

TEST(TokenizerOpen, RefusesMisalignedMemory) {
  Blob blob = importBlob("gpt2");
  std::vector<uint64_t> words(blob.words.size() + 1);
  char *odd = reinterpret_cast<char *>(words.data()) + 4;
  std::memcpy(odd, blob.data(), blob.size);
  Tokenizer tokenizer;
  EXPECT_STREQ(Tokenizer::open(odd, blob.size, tokenizer),
               "the tokenizer is not aligned in memory");
}

/// Whatever single bytes change: refused, or every id stays in range. A hash
/// table without a free slot or a merge that leads nowhere would hang or crash.
TEST(TokenizerOpen, SurvivesRandomDamage) {
  std::mt19937 random(7);
  int refused = 0, taken = 0;
  for (const char *name : {"llama3", "llama2", "qwen2", "falcon"}) {
    Blob blob = importBlob(name);
    for (int round = 0; round < 3000; ++round) {
      Blob copy = blob;
      for (uint32_t changes = 1 + random() % 4; changes > 0; --changes) {
        // Half of the changes go to the header and its section table.
        size_t place = random() % (random() % 2 ? sizeof(Header) : copy.size);
        copy.data()[place] = static_cast<char>(random());
      }
      Tokenizer tokenizer;
      if (openCopy(copy, tokenizer, copy.size)) {
        ++refused;
        continue;
      }
      ++taken;
      Tokenizer::Stream stream(tokenizer);
      for (int32_t id : tokenizer.encode(
               "The Earth's  1234 e\xcc\x81 <s><|end|> \xff", true, true)) {
        ASSERT_GE(id, 0);
        ASSERT_LT(id, tokenizer.vocabSize());
        stream.push(id);
      }
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(taken, 1000);
}
