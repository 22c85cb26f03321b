//===- CheckpointTest.cpp - Single and sharded directories ----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "bitnetc/Import/Safetensors.h"

using namespace bitnetc;
using namespace bitnetc::test;
using testing::EndsWith;
using testing::HasSubstr;

static std::string oneTensor(const std::string &name) {
  return FileBuilder().add(name, "U8", "1", "x").build();
}

TEST(Checkpoint, JoinsShards) {
  TemporaryDirectory directory;
  directory.write("1.safetensors", oneTensor("a"));
  directory.write("2.safetensors", oneTensor("b"));
  directory.write("model.safetensors.index.json",
                  R"({"weight_map":{"a":"1.safetensors",)"
                  R"("b":"2.safetensors"}})");
  auto checkpoint = Checkpoint::open(directory.getPath());
  ASSERT_TRUE(bool(checkpoint)) << toString(checkpoint.takeError());
  ASSERT_NE(checkpoint->find("a"), nullptr);
  ASSERT_NE(checkpoint->find("b"), nullptr);
  EXPECT_EQ(checkpoint->find("c"), nullptr);
  EXPECT_THAT(checkpoint->find("b")->file, EndsWith("/2.safetensors"));
}

TEST(Checkpoint, PrefersTheSingleFile) {
  TemporaryDirectory directory;
  directory.write("model.safetensors", oneTensor("a"));
  directory.write("model.safetensors.index.json", "broken");
  auto checkpoint = Checkpoint::open(directory.getPath());
  ASSERT_TRUE(bool(checkpoint)) << toString(checkpoint.takeError());
}

TEST(Checkpoint, ComparesIndexAndShards) {
  TemporaryDirectory directory;
  directory.write("1.safetensors", oneTensor("a"));
  auto getIndexError = [&](llvm::StringRef map) {
    directory.write("model.safetensors.index.json",
                    ("{\"weight_map\":{" + map + "}}").str());
    return getError(Checkpoint::open(directory.getPath()));
  };
  EXPECT_THAT(getIndexError(R"("a":"3.safetensors")"),
              HasSubstr("index.json: names the file '3.safetensors', which is "
                        "missing"));
  EXPECT_THAT(
      getIndexError(R"("a":"1.safetensors","b":"1.safetensors")"),
      HasSubstr(
          "tensor 'b': expected in '1.safetensors', but it is not there"));
  EXPECT_THAT(getIndexError(R"("b":"1.safetensors")"), HasSubstr("tensor 'b'"));
  directory.write("2.safetensors", oneTensor("b"));
  EXPECT_THAT(getIndexError(R"("a":"2.safetensors","b":"1.safetensors")"),
              HasSubstr("but it is not there"));
  directory.write("2.safetensors", oneTensor("a"));
  EXPECT_THAT(getIndexError(R"("a":"1.safetensors","b":"2.safetensors")"),
              HasSubstr("2.safetensors: tensor 'a': is also in "));
  directory.write(
      "2.safetensors",
      FileBuilder().add("b", "U8", "1", "x").add("c", "U8", "1", "x").build());
  EXPECT_THAT(getIndexError(R"("a":"1.safetensors","b":"2.safetensors")"),
              HasSubstr("2.safetensors: tensor 'c': is not in the index"));
}

TEST(Checkpoint, SaysWhatThereIsInstead) {
  TemporaryDirectory directory;
  auto open = [&] { return getError(Checkpoint::open(directory.getPath())); };
  EXPECT_THAT(open(), HasSubstr("is the download complete?"));
  directory.write("model.gguf", "x");
  EXPECT_THAT(open(), HasSubstr("only .gguf files"));
  directory.write("pytorch_model-00001-of-00002.bin", "x");
  EXPECT_THAT(open(), HasSubstr("only PyTorch .bin files"));
  directory.write("model-00001-of-00002.safetensors", "x");
  EXPECT_THAT(open(), HasSubstr("the index is missing"));
  directory.write("model.safetensors", "");
  EXPECT_THAT(open(), HasSubstr("model.safetensors: the file is empty"));
}
