//===- tokenizer_json_fuzzer.cpp - Any bytes as tokenizer.json ------------===//
//
// The importer must refuse or accept, and what it accepts the runtime must open
// and survive: its text goes through encode and decode.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Tokenizer.h"
#include "tokenizer.h"
#include "llvm/Support/Error.h"
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int file = memfd_create("tokenizer.json", 0);
  if (file < 0 || write(file, data, size) != ssize_t(size))
    abort();
  std::string path = "/proc/self/fd/" + std::to_string(file);
  auto blob = bitnetc::importTokenizer(path, {2}, 1, 0);
  close(file);
  if (!blob) {
    llvm::consumeError(blob.takeError());
    return -1; // keeps the corpus to files that are accepted
  }
  bitnet::Tokenizer tokenizer;
  if (bitnet::Tokenizer::open(blob->data(), blob->size(), tokenizer))
    abort(); // what the importer writes, the runtime opens
  std::string_view text(reinterpret_cast<const char *>(data), size);
  bitnet::Tokenizer::Stream stream(tokenizer);
  for (bool parse : {false, true})
    for (int32_t id : tokenizer.encode(text.substr(0, 2048), true, parse)) {
      if (id < 0 || id >= tokenizer.vocabSize())
        abort();
      stream.push(id);
    }
  stream.flush();
  return 0;
}
