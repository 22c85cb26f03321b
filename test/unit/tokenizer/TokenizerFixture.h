//===- TokenizerFixture.h - Tokenizers for tests ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_UNITTEST_TOKENIZER_TOKENIZERFIXTURE_H
#define BITNETC_UNITTEST_TOKENIZER_TOKENIZERFIXTURE_H

#include "tokenizer.h"
#include <string>
#include <vector>

namespace bitnetc::test {

/// Memory that is aligned as a blob must be, and is exactly its size.
struct Blob {
  explicit Blob(const std::vector<char> &bytes);
  char *data() { return reinterpret_cast<char *>(words.data()); }
  std::vector<uint64_t> words;
  size_t size;
};

/// The text of test/Import/Inputs/tokenizers/NAME.json.
std::string readTokenizerJson(const std::string &name);
/// Imports test/Import/Inputs/tokenizers/NAME.json; the test fails on errors.
Blob importBlob(const std::string &name);

/// A tokenizer and its tables.
struct Loaded {
  explicit Loaded(const std::string &name);
  explicit Loaded(const std::vector<char> &bytes);
  /// What a stream gives for these ids, in pieces.
  std::vector<std::string> stream(const std::vector<int32_t> &ids,
                                  bool atStart = true) const;
  /// The same as one text.
  std::string decode(const std::vector<int32_t> &ids,
                     bool atStart = true) const;
  Blob blob;
  bitnet::Tokenizer tokenizer;
};

} // namespace bitnetc::test

#endif // BITNETC_UNITTEST_TOKENIZER_TOKENIZERFIXTURE_H
