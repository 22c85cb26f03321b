//===- Tokenizer.h - tokenizer.json becomes tables --------------*- C++ -*-===//
//
// The tokenizer of a model directory, turned into the blob that every produced
// executable carries (runtime/include/bitnet/tokenizer_format.h).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_IMPORT_TOKENIZER_H
#define BITNETC_IMPORT_TOKENIZER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace bitnetc {

/// Reads the `tokenizer.json` at this path, and from its folder
/// `tokenizer_config.json` if there is one, and returns the blob.
///
/// `eosTokens`: the ids that end generation by the model's configuration. Added
/// are the end-of-turn tokens of the chat formats, which many configurations
/// forget, and if it is empty, `eos_token` of tokenizer_config.json.
/// `bosToken`: the id by the model's configuration, or -1: the first token that
/// the post-processor puts in front of a text, if there is one.
/// `modelVocab`: rows of the model's embedding; a token id at or above it is an
/// error. 0: not known.
///
/// Kinds of models, normalizers, pre-tokenizers, patterns, decoders and
/// post-processors other than the known ones are refused by name: a tokenizer
/// is never approximated.
llvm::Expected<std::vector<char>>
importTokenizer(llvm::StringRef tokenizerJsonPath,
                llvm::ArrayRef<int64_t> eosTokens, int64_t bosToken,
                int64_t modelVocab);

} // namespace bitnetc

#endif // BITNETC_IMPORT_TOKENIZER_H
