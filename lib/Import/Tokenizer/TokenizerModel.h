//===- TokenizerModel.h - A tokenizer between JSON and blob -----*- C++ -*-===//
//
// What tokenizer.json says, checked and without its many spellings. Filled by
// Model.cpp, Added.cpp and Pipeline.cpp, written by Blob.cpp.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_TOKENIZER_TOKENIZERMODEL_H
#define BITNETC_LIB_IMPORT_TOKENIZER_TOKENIZERMODEL_H

#include "Json.h"
#include "bitnet/tokenizer_format.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace bitnetc::tokenizer {

namespace tokfmt = bitnet::tokfmt;

struct Token {
  std::string text; // bytes it stands for; "" for a hole
  tokfmt::TokenKind kind = tokfmt::Unused;
  bool inVocabulary = false; // words and characters are looked up in these
};

struct MergeRule {
  uint32_t left, right, rank, result;
};

struct AddedText {
  std::string text; // normalized if it is matched in normalized text
  uint32_t id;
  uint32_t flags;
};

struct StepText {
  uint32_t kind;
  uint32_t argument = 0;
  std::string a, b;
};

struct TokenizerModel {
  std::vector<Token> tokens;
  llvm::StringMap<uint32_t> ids; // by their spelling in the file
  std::vector<MergeRule> merges;
  std::vector<AddedText> added[2]; // by tokfmt::AddedSet
  std::vector<StepText> normalizers, splitters, decoders;
  std::vector<int32_t> prefix, suffix, eos;
  int32_t byteTokens[256];
  int32_t bos = -1, unknown = -1;
  uint32_t flags = 0; // tokfmt::Flag
};

// In this order, for each needs the ones before it.

/// normalizer, pre_tokenizer and decoder.
llvm::Error readPipeline(const Node &root, TokenizerModel &out);
/// model: vocabulary, merges and their options.
llvm::Error readModel(const Node &root, TokenizerModel &out);
/// added_tokens.
llvm::Error readAddedTokens(const Node &root, TokenizerModel &out);
/// post_processor: prefix and suffix. Returns whether it has a template.
llvm::Expected<bool> readPostProcessor(const Node &root, TokenizerModel &out);

/// `text` after the normalizers, as one stretch of text.
std::string normalize(const TokenizerModel &model, llvm::StringRef text);

/// The token with this spelling, or -1.
inline int32_t findToken(const TokenizerModel &model, llvm::StringRef text) {
  auto found = model.ids.find(text);
  return found == model.ids.end() ? -1 : static_cast<int32_t>(found->second);
}

/// The blob of tokenizer_format.h. Fails if it would be 2 GiB or more.
llvm::Expected<std::vector<char>> writeBlob(const TokenizerModel &model,
                                            llvm::StringRef file);

} // namespace bitnetc::tokenizer

#endif // BITNETC_LIB_IMPORT_TOKENIZER_TOKENIZERMODEL_H
