//===- Patterns.cpp - The regular expressions of tokenizers ---------------===//
//
// Compared as text: a pattern that differs in one character may cut elsewhere,
// so it is refused until it has been looked at. Their meaning is in
// runtime/src/tokenizer_split.cpp.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Patterns.h"

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;

static constexpr Pattern patterns[] = {
    // GPT-2: openai/gpt-2 src/encoder.py; also GPT-NeoX and Falcon. Usually
    // written as "ByteLevel" with "use_regex".
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)"
     R"(\s+(?!\S)|\s+)",
     SplitGpt2, 0, true, false},
    // Llama-3: meta-llama/llama3 llama/tokenizer.py; also BitNet 2B-4T.
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
     R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     SplitLlama3, 0, true, false},
    // Qwen2 and Qwen3: transformers models/qwen2/tokenization_qwen2.py.
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
     R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     SplitQwen2, 0, true, false},
    // Qwen3.5: llama.cpp src/llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_QWEN35.
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
     R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     SplitQwen35, 0, true, false},
    // Falcon: llama.cpp src/llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_FALCON.
    {"[0-9][0-9][0-9]", SplitThreeDigits, 0, false, true},
    // \p{N} and \p{N}+: "Digits" in other words.
    {R"(\p{N})", SplitDigits, 1, false, false},
    {R"(\p{N}+)", SplitDigits, 0, false, false},
};

const Pattern *tokenizer::findPattern(llvm::StringRef regex) {
  for (const Pattern &pattern : patterns)
    if (regex == pattern.regex)
      return &pattern;
  return nullptr;
}
