//===- generate.h - Continue a text, token by token -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_GENERATE_H
#define BITNET_SRC_GENERATE_H

#include "error.h"
#include "sampler.h"
#include "session.h"
#include "tokenizer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitnet {

/// Monotonic time in seconds.
double seconds();

/// Writes to standard output and flushes: text streams, and a full disk or a
/// closed pipe is seen.
Error writeOut(std::string_view text);

/// "WHAT: N tokens in T s, R tokens/s", the rate of `rated` tokens.
std::string speedLine(const char *what, uint64_t tokens, uint64_t rated,
                      double time);

/// Why a generation ended.
enum class Ending { EndOfText, Limit, ContextFull, Interrupted };

struct GeneratorOptions {
  bool ignoreEos = false;
  bool printIds = false; // ids, separated by spaces, instead of text
};

/// Extends the text of a session and prints what it adds as it comes.
class Generator {
public:
  /// `tokenizer` may be null: then ids are printed and nothing ends a text.
  Generator(Session &session, Sampler &sampler, const Tokenizer *tokenizer,
            const GeneratorOptions &options);

  /// Appends `tokens` to the text and generates up to `limit` new ones.
  /// `stream` turns them into text; null if ids are printed. Ctrl-C while
  /// `tokens` are read takes them back.
  Error run(const std::vector<int32_t> &tokens, uint32_t limit,
            Tokenizer::Stream *stream, Ending &ending);

  /// Forgets the text.
  void reset();
  /// Whether there is no text yet.
  bool empty() const { return session.position() == 0 && !pending; }

  /// Whether ids are printed: asked for, or there is no tokenizer.
  bool printsIds() const { return options.printIds || !tokenizer; }

  /// Speed of all runs so far, two lines.
  std::string report() const;

private:
  Error emit(int32_t token, bool first, Tokenizer::Stream *stream);

  Session &session;
  Sampler &sampler;
  const Tokenizer *tokenizer;
  GeneratorOptions options;
  // Chosen last and part of the text, but not yet run: it may be the end.
  std::optional<int32_t> pending;
  uint64_t promptTokens = 0, newTokens = 0, steps = 0;
  double promptSeconds = 0, stepSeconds = 0;
};

} // namespace bitnet

#endif // BITNET_SRC_GENERATE_H
