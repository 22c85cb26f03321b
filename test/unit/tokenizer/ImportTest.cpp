//===- ImportTest.cpp - What belongs around a text ------------------------===//
//
// The rules for bos and eos, which come from three files.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerFixture.h"
#include "bitnetc/Import/Tokenizer.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace bitnetc;
using namespace bitnetc::test;
using namespace llvm;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// A model folder with the tokenizer "llama2" (bos 1, eos 2) and a
/// tokenizer_config.json.
class TokenizerImport : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("tokenizer", folder));
    tokenizer = cantFail(json::parse(readTokenizerJson("llama2")));
    tokenizer.getAsObject()->erase("post_processor");
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  void write(StringRef name, const Twine &text) {
    SmallString<128> path = folder;
    sys::path::append(path, name);
    std::error_code error;
    raw_fd_ostream file(path, error);
    ASSERT_FALSE(error) << error.message();
    file << text;
  }
  Expected<std::vector<char>> import(ArrayRef<int64_t> eos = {},
                                     int64_t bos = -1) {
    SmallString<128> path = folder;
    sys::path::append(path, "tokenizer.json");
    write("tokenizer.json", formatv("{0}", tokenizer).str());
    return importTokenizer(path, eos, bos, 0);
  }
  /// Ids of "<unk>" with what belongs around it.
  std::vector<int32_t> encodeUnknown() {
    auto bytes = import();
    if (!bytes) {
      ADD_FAILURE() << toString(bytes.takeError());
      return {};
    }
    return Loaded(*bytes).tokenizer.encode("<unk>", true, true);
  }

  SmallString<128> folder;
  json::Value tokenizer = nullptr;
};

} // namespace

TEST_F(TokenizerImport, WithoutTemplateAndConfigNothingIsAdded) {
  EXPECT_THAT(encodeUnknown(), ElementsAre(0));
}

TEST_F(TokenizerImport, ConfigAddsTokensWhereThereIsNoTemplate) {
  write("tokenizer_config.json",
        R"({"add_bos_token": true, "bos_token": "<s>"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(1, 0));
  write("tokenizer_config.json",
        R"({"add_bos_token": true, "bos_token": {"content": "<s>"},
            "add_eos_token": true, "eos_token": "</s>"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(1, 0, 2));
  write("tokenizer_config.json",
        R"({"add_bos_token": false, "bos_token": "<s>"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(0));
}

TEST_F(TokenizerImport, Llama2ClassesAddBosUnlessTold) {
  write("tokenizer_config.json",
        R"({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(1, 0));
}

TEST_F(TokenizerImport, TheTemplateWinsExceptWithLlama2Classes) {
  tokenizer = cantFail(json::parse(readTokenizerJson("llama2")));
  EXPECT_THAT(encodeUnknown(), ElementsAre(1, 0));
  write("tokenizer_config.json",
        R"({"add_bos_token": false, "bos_token": "<s>"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(1, 0));
  write("tokenizer_config.json",
        R"({"add_bos_token": false, "bos_token": "<s>",
            "tokenizer_class": "LlamaTokenizerFast"})");
  EXPECT_THAT(encodeUnknown(), ElementsAre(0));
}

TEST_F(TokenizerImport, UnknownBosIsAnError) {
  write("tokenizer_config.json",
        R"({"add_bos_token": true, "bos_token": "<none>"})");
  auto bytes = import();
  ASSERT_FALSE(bool(bytes));
  EXPECT_THAT(toString(bytes.takeError()),
              HasSubstr("tokenizer_config.json: bos_token: expected a token of "
                        "tokenizer.json, but got '<none>'"));
}

TEST_F(TokenizerImport, EosComesFromTheModelElseFromTheConfig) {
  write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  auto fromConfig = import();
  ASSERT_TRUE(bool(fromConfig));
  Loaded config(*fromConfig);
  EXPECT_TRUE(config.tokenizer.isEos(2));
  EXPECT_EQ(config.tokenizer.bos(), -1);

  auto fromModel = import({0, 7}, 1);
  ASSERT_TRUE(bool(fromModel));
  Loaded model(*fromModel);
  EXPECT_TRUE(model.tokenizer.isEos(0));
  EXPECT_TRUE(model.tokenizer.isEos(7));
  EXPECT_FALSE(model.tokenizer.isEos(2));
  EXPECT_EQ(model.tokenizer.bos(), 1);
}

TEST_F(TokenizerImport, EndOfTurnIsAlwaysAnEnd) {
  auto bytes = import({2});
  ASSERT_TRUE(bool(bytes));
  Loaded loaded(*bytes);
  int32_t last = loaded.tokenizer.vocabSize() - 1;
  ASSERT_EQ(loaded.tokenizer.decodeToken(last), "<|end|>");
  EXPECT_TRUE(loaded.tokenizer.isEos(last));
}
