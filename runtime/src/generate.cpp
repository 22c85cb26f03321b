//===- generate.cpp - Continue a text, token by token ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "generate.h"

#include "interrupt.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <time.h>

using namespace bitnet;

double bitnet::seconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

Error bitnet::writeOut(std::string_view text) {
  if (fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      fflush(stdout) != 0)
    return Error::make("standard output: cannot write: %s", strerror(errno));
  return Error();
}

Generator::Generator(Session &session, Sampler &sampler,
                     const Tokenizer *tokenizer,
                     const GeneratorOptions &options)
    : session(session), sampler(sampler), tokenizer(tokenizer),
      options(options) {}

void Generator::reset() {
  session.rewind(0);
  pending.reset();
}

Error Generator::emit(int32_t token, bool first, Tokenizer::Stream *stream) {
  if (printsIds())
    return writeOut((first ? "" : " ") + std::to_string(token));
  return writeOut(stream->push(token));
}

Error Generator::run(const std::vector<int32_t> &tokens, uint32_t limit,
                     Tokenizer::Stream *stream, Ending &ending) {
  std::vector<int32_t> text;
  if (pending)
    text.push_back(*pending);
  text.insert(text.end(), tokens.begin(), tokens.end());

  uint32_t before = session.position();
  double start = seconds();
  if (Error error = session.eval(text.data(), text.size(), interrupted))
    return error;
  if (session.position() - before != text.size()) {
    session.rewind(before);
    ending = Ending::Interrupted;
    return Error();
  }
  pending.reset();
  for (int32_t token : tokens)
    sampler.accept(token);
  double read = seconds();
  promptTokens += text.size();
  promptSeconds += read - start;

  ending = Ending::Limit;
  for (uint32_t made = 0; made != limit; ++made) {
    if (pending) {
      if (session.position() == session.context()) {
        ending = Ending::ContextFull;
        break;
      }
      if (Error error = session.eval(&*pending, 1, /*stop=*/nullptr,
                                     sampler.neededLogits()))
        return error;
      ++steps;
    }
    if (interrupted()) {
      pending.reset();
      ending = Ending::Interrupted;
      break;
    }
    pending = sampler.sample(session.logits());
    sampler.accept(*pending);
    ++newTokens;
    bool last = tokenizer && tokenizer->isEos(*pending) && !options.ignoreEos;
    // An end-of-text token has no text, but it is one of the ids.
    if (!last || printsIds())
      if (Error error = emit(*pending, made == 0, stream))
        return error;
    if (last) {
      ending = Ending::EndOfText;
      break;
    }
  }
  stepSeconds += seconds() - read;
  if (stream && !printsIds())
    return writeOut(stream->flush());
  return Error();
}

std::string bitnet::speedLine(const char *what, uint64_t tokens, uint64_t rated,
                              double time) {
  char buffer[160];
  int length = snprintf(buffer, sizeof(buffer),
                        "%s: %" PRIu64 " tokens in %.3f s", what, tokens, time);
  if (rated && time > 0)
    snprintf(buffer + length, sizeof(buffer) - length, ", %.2f tokens/s",
             double(rated) / time);
  return buffer;
}

std::string Generator::report() const {
  // The first token of a run comes from the prompt's logits and costs no step.
  return speedLine("prompt", promptTokens, promptTokens, promptSeconds) + "\n" +
         speedLine("generation", newTokens, steps, stepSeconds) + "\n";
}
