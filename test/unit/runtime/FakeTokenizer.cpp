//===- FakeTokenizer.cpp - Write the blob of a tokenizer.json -------------===//
//
// usage: bitnet-fake-tokenizer TOKENIZER.JSON BLOB
// Gives FakeModel.cpp a tokenizer, so that the runtime's handling of text is
// tested without a whole model.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Tokenizer.h"

#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  if (argc != 3) {
    llvm::errs() << "usage: bitnet-fake-tokenizer TOKENIZER.JSON BLOB\n";
    return 1;
  }
  llvm::Expected<std::vector<char>> blob =
      bitnetc::importTokenizer(argv[1], /*eosTokens=*/{}, /*bosToken=*/-1,
                               /*modelVocab=*/0);
  if (!blob) {
    llvm::errs() << llvm::toString(blob.takeError()) << "\n";
    return 1;
  }
  std::error_code failure;
  llvm::raw_fd_ostream out(argv[2], failure);
  out.write(blob->data(), blob->size());
  out.close();
  if (failure || out.has_error()) {
    llvm::errs() << argv[2] << ": cannot write\n";
    return 1;
  }
  return 0;
}
