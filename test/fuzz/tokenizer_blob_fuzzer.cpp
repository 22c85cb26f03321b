//===- tokenizer_blob_fuzzer.cpp - Any bytes as a tokenizer section -------===//
//
// A damaged executable must be refused by Tokenizer::open, or work: everything
// that encode and decode touch has been checked.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer.h"
#include <cstdlib>
#include <cstring>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // new aligns to 16 bytes, and its end is the end of the blob.
  std::unique_ptr<char[]> blob(new char[size ? size : 1]);
  if (size)
    std::memcpy(blob.get(), data, size);
  bitnet::Tokenizer tokenizer;
  if (bitnet::Tokenizer::open(blob.get(), size, tokenizer))
    return 0;
  const char text[] = "Hello  world's 1234 <s>\n\xe2\x96\x81\xc3\xa9 e\xcc\x81 "
                      "\xed\x95\x9c\xff <|eot_id|>\t";
  bitnet::Tokenizer::Stream stream(tokenizer);
  for (bool parse : {false, true})
    for (int32_t id : tokenizer.encode({text, sizeof(text) - 1}, true, parse))
      if (id < 0 || id >= tokenizer.vocabSize())
        abort();
  for (int32_t id = -1; id <= tokenizer.vocabSize() && id < 4096; ++id) {
    stream.push(id);
    tokenizer.isEos(id);
  }
  stream.flush();
  return 0;
}
