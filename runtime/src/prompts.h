//===- prompts.h - Continue many prompts together -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_PROMPTS_H
#define BITNET_SRC_PROMPTS_H

#include "generate.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bitnet {

struct Prompt {
  std::string text;
  std::vector<int32_t> tokens;
};

/// The prompts in `path` ("-": standard input), one per line. Fails for an
/// empty file and an empty line.
Error readPrompts(const std::string &path, const Tokenizer &tokenizer,
                  std::vector<Prompt> &prompts);

/// Fails, naming the line of `path`, if a prompt is longer than `context`.
Error checkLengths(const std::string &path, const std::vector<Prompt> &prompts,
                   uint32_t context, uint32_t maxContext);

struct PromptsOptions {
  SamplerOptions sampler; // prompt i has the seed sampler.seed + i
  GeneratorOptions generator;
  bool echo = false;           // the text starts with the prompt
  uint32_t limit = UINT32_MAX; // new tokens of each prompt
};

/// Continues all `prompts`, as many at a time as `session` has sequences: when
/// one ends, the next takes its place. Prints one JSON object per prompt and
/// line, in the order of the prompts:
///
///   {"prompt": 0, "seed": 7, "text": "...", "tokens": 12, "end": "eos"}
///
/// `end` is eos, limit or context; ids are printed as "ids": [...] instead of
/// the text. Each is what the prompt gives alone with that seed. `report`:
/// speed, two lines. Ctrl-C ends it after the texts that were complete.
Error continuePrompts(Session &session, const Tokenizer &tokenizer,
                      const std::vector<Prompt> &prompts,
                      const PromptsOptions &options, std::string &report);

/// `text` as a JSON string, in quotes; what is not UTF-8 becomes U+FFFD.
std::string toJson(const std::string &text);

} // namespace bitnet

#endif // BITNET_SRC_PROMPTS_H
