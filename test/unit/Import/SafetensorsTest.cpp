//===- SafetensorsTest.cpp - Good files, and every way to lie -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Safetensors.h"
#include "TestFiles.h"

using namespace bitnetc;
using namespace bitnetc::test;
using testing::HasSubstr;

static std::string parseError(const std::string &content) {
  return getError(parseSafetensors("f.safetensors", asBytes(content)));
}

/// The error of a file whose only tensor "t" has this entry, over `data`.
static std::string entryError(const std::string &entry,
                              const std::string &data = "12345678") {
  return parseError(makeFile("{\"t\":" + entry + "}", data));
}

TEST(Safetensors, ReadsTensorsInOrderOfData) {
  std::string content =
      makeFile(R"({"b":{"dtype":"U8","shape":[2,1],"data_offsets":[4,6]},)"
               R"("__metadata__":{"format":"pt"},)"
               R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
               R"("none":{"dtype":"I64","shape":[0,3],"data_offsets":[4,4]}})"
               "  ",
               "abcdef");
  auto tensors = parseSafetensors("f", asBytes(content));
  ASSERT_TRUE(bool(tensors)) << toString(tensors.takeError());
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_EQ((*tensors)[0].name, "a");
  EXPECT_EQ((*tensors)[0].bytes, 4u);
  EXPECT_EQ((*tensors)[1].name, "none");
  EXPECT_EQ((*tensors)[2].name, "b");
  EXPECT_EQ((*tensors)[2].describe(), "U8 [2, 1]");
  EXPECT_EQ(std::string((const char *)(*tensors)[2].data, 2), "ef");
}

TEST(Safetensors, AcceptsNoTensors) {
  std::string content = makeFile("{}");
  auto tensors = parseSafetensors("f", asBytes(content));
  ASSERT_TRUE(bool(tensors)) << toString(tensors.takeError());
  EXPECT_TRUE(tensors->empty());
}

TEST(Safetensors, RefusesBadLengths) {
  EXPECT_EQ(parseError("1234567"),
            "f.safetensors: expected a safetensors file, but got only 7 bytes");
  EXPECT_THAT(parseError(bytesOf<uint64_t>({~0ull}) + "{}"),
              HasSubstr("expected a header of at most 100000000 bytes, but got "
                        "18446744073709551615"));
  EXPECT_THAT(parseError(bytesOf<uint64_t>({100'000'001}) + "{}"),
              HasSubstr("at most 100000000"));
  EXPECT_THAT(parseError(bytesOf<uint64_t>({3}) + "{}"),
              HasSubstr("the header has 3 bytes, but the file only 10"));
  EXPECT_THAT(parseError("version https://git-lfs.github.com/spec/v1\n"),
              HasSubstr("git-lfs pointer"));
}

TEST(Safetensors, RefusesBrokenJson) {
  EXPECT_THAT(parseError(makeFile("{\"t\":")),
              HasSubstr("f.safetensors: header: broken JSON"));
  EXPECT_THAT(parseError(makeFile("[]")), HasSubstr("expected a JSON object"));
  EXPECT_THAT(parseError(makeFile("")), HasSubstr("broken JSON"));
  EXPECT_THAT(parseError(makeFile("{\"\xff\":1}")), HasSubstr("broken JSON"));
  // Would overflow the stack of the parser.
  EXPECT_THAT(parseError(makeFile(std::string(1'000'000, '['))),
              HasSubstr("nested deeper than 64 levels"));
  std::string many = "{\"t\":[";
  for (int i = 0; i < 5'000'000; ++i)
    many += "0,";
  EXPECT_THAT(parseError(makeFile(many + "0]}")),
              HasSubstr("more than 4000000 values"));
}

TEST(Safetensors, RefusesBadEntries) {
  EXPECT_EQ(entryError("7"), "f.safetensors: tensor 't': expected an object, "
                             "but got 7");
  EXPECT_THAT(entryError(R"({"shape":[8],"data_offsets":[0,8]})"),
              HasSubstr("'dtype' is missing"));
  EXPECT_THAT(entryError(R"({"dtype":"Q4","shape":[8],"data_offsets":[0,8]})"),
              HasSubstr("unknown dtype 'Q4'"));
  EXPECT_THAT(entryError(R"({"dtype":"U8","data_offsets":[0,8]})"),
              HasSubstr("'shape' is missing"));
  EXPECT_THAT(entryError(R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})"),
              HasSubstr("expected non-negative integers as shape, but got -8"));
  EXPECT_THAT(
      entryError(R"({"dtype":"U8","shape":[8.5],"data_offsets":[0,8]})"),
      HasSubstr("expected non-negative integers as shape, but got 8.5"));
  EXPECT_THAT(
      entryError(
          R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})"),
      HasSubstr("expected at most 8 dimensions, but got 9"));
  // 2^32 * 2^32 elements wrap to 0 bytes.
  EXPECT_THAT(
      entryError(
          R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
      HasSubstr("overflows 64 bits"));
  EXPECT_THAT(
      entryError(
          R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})"),
      HasSubstr("overflows 64 bits"));
  EXPECT_THAT(entryError(R"({"dtype":"F4","shape":[3],"data_offsets":[0,8]})"),
              HasSubstr("no whole number of bytes"));
}

TEST(Safetensors, RefusesBadOffsets) {
  for (const char *offsets : {"[8,0]", "[-8,0]", "[0]", "[0,8,8]", "8",
                              "[\"0\",8]", "[0,1e30]", "null"})
    EXPECT_THAT(entryError(std::string(R"({"dtype":"U8","shape":[8],)") +
                           "\"data_offsets\":" + offsets + "}"),
                HasSubstr("expected 'data_offsets' [begin, end]"))
        << offsets;
  EXPECT_THAT(
      entryError(R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})"),
      HasSubstr("ends at byte 9 of the data, but the file has only 8; the file "
                "is truncated"));
  EXPECT_THAT(
      entryError(
          R"({"dtype":"U8","shape":[8],"data_offsets":[0,9223372036854775807]})"),
      HasSubstr("ends at byte 9223372036854775807"));
  EXPECT_THAT(entryError(R"({"dtype":"F16","shape":[3],"data_offsets":[0,8]})"),
              HasSubstr("F16 [3] needs 6 bytes, but data_offsets span 8"));
  EXPECT_THAT(
      entryError(R"({"dtype":"U8","shape":[7],"data_offsets":[0,7]})"),
      HasSubstr("ends at byte 7 of the data, but the file goes on to 8"));
  EXPECT_THAT(entryError(R"({"dtype":"U8","shape":[7],"data_offsets":[1,8]})"),
              HasSubstr("tensor before ends at byte 0: there is a hole"));
  EXPECT_THAT(
      parseError(
          makeFile(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},)"
                   R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                   "12345678")),
      HasSubstr("tensor 'b': begins at byte 4 of the data, but the tensor "
                "before ends at byte 5: they overlap"));
}

TEST(ShardIndex, ReadsAndRefuses) {
  auto map = parseShardIndex("i", R"({"metadata":{},"weight_map":{"a":"x"}})");
  ASSERT_TRUE(bool(map)) << toString(map.takeError());
  EXPECT_EQ(map->lookup("a"), "x");
  EXPECT_EQ(getError(parseShardIndex("i", "{}")),
            "i: 'weight_map': is missing");
  for (const char *name : {"\"../x\"", "\"/etc/passwd\"", "\"..\"", "\"\"", "7",
                           "\"a\\\\b\"", "\"a\\u0000b\""})
    EXPECT_THAT(getError(parseShardIndex(
                    "i", std::string("{\"weight_map\":{\"a\":") + name + "}}")),
                HasSubstr("tensor 'a': expected the name of a file beside the "
                          "index"))
        << name;
}
