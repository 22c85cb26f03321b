//===- cli.h - The command line of every produced executable --------------===//
//
// One table (cli.cpp) drives parsing and --help.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_CLI_H
#define BITNET_SRC_CLI_H

#include "error.h"
#include "sampler.h"
#include "session.h"

#include <cstdint>
#include <optional>
#include <string>

namespace bitnet {

enum class Mode { Generate, Chat, Perplexity, Bench, Info, Help, Version };

struct Options {
  Mode mode = Mode::Generate;
  // Where the text comes from: at most one of these.
  std::optional<std::string> prompt, promptFile, promptsFile, tokensFile;
  std::optional<std::string> perplexityFile; // text; else tokensFile
  std::optional<std::string> logitsFile;
  std::optional<uint64_t> seed;             // none: a fresh one
  std::optional<uint32_t> predict;          // none: depends on the mode
  std::optional<uint32_t> perplexityWindow; // tokens; none: what fits, <= 512
  uint32_t parallel = 0; // of the prompts; 0: as many as the model can
  uint32_t benchPrompt = 512, benchRuns = 3, benchSequences = 1;
  SessionOptions session;
  SamplerOptions sampler;
  bool ignoreEos = false, printIds = false, echo = false, quiet = false;
};

/// Parses argv[1..argc-1] into `options`. Fails for unknown options, bad
/// values and options that contradict each other.
Error parseCommandLine(int argc, const char *const *argv, Options &options);

/// The text of --help.
std::string helpText(const std::string &program);

} // namespace bitnet

#endif // BITNET_SRC_CLI_H
