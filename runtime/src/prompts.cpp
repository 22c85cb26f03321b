//===- prompts.cpp - Continue many prompts together -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "prompts.h"

#include "input.h"
#include "interrupt.h"
#include "tokenizer_utf8.h"

#include <algorithm>
#include <memory>

using namespace bitnet;

Error bitnet::readPrompts(const std::string &path, const Tokenizer &tokenizer,
                          std::vector<Prompt> &prompts) {
  std::string text;
  if (Error error = readFile(path, text))
    return error;
  prompts.clear();
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    std::vector<int32_t> tokens = tokenizer.encode(line, true, true);
    if (line.empty() || tokens.empty())
      return Error::make("%s: line %zu: expected a prompt, but got an empty "
                         "line",
                         path.c_str(), prompts.size() + 1);
    prompts.push_back({std::move(line), std::move(tokens)});
    at = end + 1;
  }
  if (prompts.empty())
    return Error::make("%s: expected prompts, one per line, but got an empty "
                       "file",
                       path.c_str());
  return Error();
}

Error bitnet::checkLengths(const std::string &path,
                           const std::vector<Prompt> &prompts, uint32_t context,
                           uint32_t maxContext) {
  for (size_t i = 0; i != prompts.size(); ++i) {
    std::string what = path + ": line " + std::to_string(i + 1);
    if (Error error = checkPromptLength(what.c_str(), prompts[i].tokens.size(),
                                        context, maxContext))
      return error;
  }
  return Error();
}

std::string bitnet::toJson(const std::string &text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    Utf8Char c = readUtf8(text, at);
    if (c.code == invalidCode) {
      out += "\xef\xbf\xbd"; // U+FFFD
    } else if (c.code < 0x20) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\u%04x", unsigned(c.code));
      out += c.code == '\n' ? "\\n" : escape;
    } else {
      if (c.code == '"' || c.code == '\\')
        out += '\\';
      out.append(text, at, c.bytes);
    }
    at += c.bytes;
  }
  return out + '"';
}

namespace {

/// One prompt on its way.
struct Text {
  size_t index;
  Sampler sampler;
  Tokenizer::Stream stream;
  std::string written;       // text, or ids separated by commas
  uint32_t made = 0;         // new tokens
  int32_t pending = 0;       // chosen last, not yet run
  const char *end = nullptr; // why it is complete
};

/// The loop over steps.
class Continuation {
public:
  Continuation(Session &session, const Tokenizer &tokenizer,
               const std::vector<Prompt> &prompts,
               const PromptsOptions &options)
      : session(session), tokenizer(tokenizer), prompts(prompts),
        options(options), running(session.sequences()),
        complete(prompts.size()) {}

  Error run() {
    while (!interrupted() && printed != prompts.size()) {
      for (uint32_t sequence = 0; sequence != running.size(); ++sequence)
        while (!running[sequence] && started != prompts.size())
          if (Error error = start(sequence))
            return error;
      if (Error error = print())
        return error;
      if (Error error = step())
        return error;
    }
    return Error();
  }

  std::string report() const {
    return speedLine("prompts", promptTokens, promptTokens, promptSeconds) +
           "\n" +
           speedLine("generation", newTokens, steppedTokens, stepSeconds) +
           "\n";
  }

private:
  /// Reads the next prompt into a free sequence and chooses its first token.
  /// The sequence stays free if that was all.
  Error start(uint32_t sequence) {
    const Prompt &prompt = prompts[started];
    SamplerOptions sampling = options.sampler;
    sampling.seed += started;
    auto text = std::make_unique<Text>(
        Text{started, Sampler(sampling, session.vocabSize()),
             Tokenizer::Stream(tokenizer, /*atStart=*/false), std::string()});
    ++started;
    double begin = seconds();
    session.use(sequence);
    session.rewind(0);
    if (Error error = session.eval(prompt.tokens.data(), prompt.tokens.size(),
                                   interrupted))
      return error;
    promptSeconds += seconds() - begin;
    if (interrupted())
      return Error();
    promptTokens += prompt.tokens.size();
    for (int32_t token : prompt.tokens)
      text->sampler.accept(token);
    running[sequence] = std::move(text);
    if (options.limit == 0)
      running[sequence]->end = "limit";
    else
      choose(*running[sequence], session.logits());
    retire(sequence);
    return Error();
  }

  /// One token more for all that run.
  Error step() {
    double begin = seconds();
    std::vector<Session::Next> next;
    uint32_t top = 0;
    bool all = false; // one of them looks at all logits
    for (uint32_t sequence = 0; sequence != running.size(); ++sequence) {
      if (!running[sequence])
        continue;
      Text &text = *running[sequence];
      session.use(sequence);
      if (session.position() == session.context()) {
        text.end = "context";
        retire(sequence);
        continue;
      }
      next.push_back({sequence, text.pending});
      uint32_t needed = text.sampler.neededLogits();
      all |= needed == 0;
      top = std::max(top, needed);
    }
    if (Error error = session.evalEach(next.data(), next.size(), all ? 0 : top))
      return error;
    steppedTokens += next.size();
    if (interrupted())
      return Error();
    for (size_t i = 0; i != next.size(); ++i) {
      choose(*running[next[i].sequence], session.logits(i));
      retire(next[i].sequence);
    }
    stepSeconds += seconds() - begin;
    return Error();
  }

  void choose(Text &text, const float *logits) {
    text.pending = text.sampler.sample(logits);
    text.sampler.accept(text.pending);
    ++text.made;
    ++newTokens;
    bool last = tokenizer.isEos(text.pending) && !options.generator.ignoreEos;
    if (options.generator.printIds)
      text.written +=
          (text.made == 1 ? "" : ", ") + std::to_string(text.pending);
    else if (!last)
      text.written += text.stream.push(text.pending);
    if (last)
      text.end = "eos";
    else if (text.made == options.limit)
      text.end = "limit";
  }

  /// Frees the sequence of a text that has come to its end.
  void retire(uint32_t sequence) {
    if (!running[sequence]->end)
      return;
    std::unique_ptr<Text> text = std::move(running[sequence]);
    const Prompt &prompt = prompts[text->index];
    std::string &line = complete[text->index];
    line = "{\"prompt\": " + std::to_string(text->index) +
           ", \"seed\": " + std::to_string(options.sampler.seed + text->index);
    if (options.generator.printIds)
      line += ", \"ids\": [" + text->written + "]";
    else
      line += ", \"text\": " + toJson((options.echo ? prompt.text : "") +
                                      text->written + text->stream.flush());
    line += ", \"tokens\": " + std::to_string(text->made) + ", \"end\": \"" +
            text->end + "\"}\n";
  }

  /// Prints what is complete, up to the first that is not.
  Error print() {
    while (printed != complete.size() && !complete[printed].empty()) {
      if (Error error = writeOut(complete[printed]))
        return error;
      complete[printed++].clear();
    }
    return Error();
  }

  Session &session;
  const Tokenizer &tokenizer;
  const std::vector<Prompt> &prompts;
  const PromptsOptions &options;
  std::vector<std::unique_ptr<Text>> running; // of each sequence, or null
  std::vector<std::string> complete;          // lines to print
  size_t started = 0, printed = 0;
  uint64_t promptTokens = 0, newTokens = 0, steppedTokens = 0;
  double promptSeconds = 0, stepSeconds = 0;
};

} // namespace

Error bitnet::continuePrompts(Session &session, const Tokenizer &tokenizer,
                              const std::vector<Prompt> &prompts,
                              const PromptsOptions &options,
                              std::string &report) {
  Continuation continuation(session, tokenizer, prompts, options);
  Error error = continuation.run();
  report = continuation.report();
  return error;
}
