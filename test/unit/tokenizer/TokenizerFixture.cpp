//===- TokenizerFixture.cpp - Tokenizers for tests ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerFixture.h"
#include "bitnetc/Import/Tokenizer.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <cstdlib>
#include <cstring>

using namespace bitnetc;
using namespace bitnetc::test;

/// lit sets the root; by hand, tests run in the source tree.
static std::string getPath(const std::string &name) {
  const char *root = std::getenv("BITNETC_SOURCE_ROOT");
  return std::string(root ? root : ".") + "/test/Import/Inputs/tokenizers/" +
         name + ".json";
}

Blob::Blob(const std::vector<char> &bytes)
    : words((bytes.size() + 7) / 8), size(bytes.size()) {
  std::memcpy(words.data(), bytes.data(), bytes.size());
}

std::string test::readTokenizerJson(const std::string &name) {
  auto file = llvm::MemoryBuffer::getFile(getPath(name));
  if (!file) {
    ADD_FAILURE() << getPath(name) << ": " << file.getError().message()
                  << "; set BITNETC_SOURCE_ROOT";
    return "";
  }
  return (*file)->getBuffer().str();
}

Blob test::importBlob(const std::string &name) {
  auto bytes = importTokenizer(getPath(name), {}, -1, 0);
  if (bytes)
    return Blob(*bytes);
  ADD_FAILURE() << llvm::toString(bytes.takeError());
  return Blob({});
}

Loaded::Loaded(const std::string &name) : blob(importBlob(name)) {
  EXPECT_STREQ(bitnet::Tokenizer::open(blob.data(), blob.size, tokenizer),
               nullptr);
}

Loaded::Loaded(const std::vector<char> &bytes) : blob(bytes) {
  EXPECT_STREQ(bitnet::Tokenizer::open(blob.data(), blob.size, tokenizer),
               nullptr);
}

std::vector<std::string> Loaded::stream(const std::vector<int32_t> &ids,
                                        bool atStart) const {
  bitnet::Tokenizer::Stream stream(tokenizer, atStart);
  std::vector<std::string> pieces;
  for (int32_t id : ids)
    pieces.push_back(stream.push(id));
  pieces.push_back(stream.flush());
  return pieces;
}

std::string Loaded::decode(const std::vector<int32_t> &ids,
                           bool atStart) const {
  std::string text;
  for (const std::string &piece : stream(ids, atStart))
    text += piece;
  return text;
}
