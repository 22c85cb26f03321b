//===- program.cpp - What a produced executable does ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "program.h"

#include "bench.h"
#include "chat.h"
#include "cli.h"
#include "container.h"
#include "cpu_features.h"
#include "generate.h"
#include "input.h"
#include "interrupt.h"
#include "npy.h"
#include "perplexity.h"
#include "prompts.h"
#include "tokenizer.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <new>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

using namespace bitnet;

static constexpr uint32_t defaultPerplexityWindow = 512;
static constexpr uint32_t defaultBenchTokens = 128;

namespace {
/// One run of the program after its command line was understood.
class Program {
public:
  Program(const bn_model &model, Options options)
      : model(model), options(std::move(options)) {}
  Error run();

private:
  Error printInfo();
  Error openTokenizer();
  Error openSession();
  Error readPrompt(std::vector<int32_t> &tokens);
  Error readText(const std::string &path, bool addSpecial, bool trim,
                 std::vector<int32_t> &tokens);
  Error writeLogits(const std::vector<int32_t> &tokens);
  Error generate();
  Error continueAll();
  Error converse();
  Error perplexity();
  Error runBench();

  const bn_model &model;
  Options options;
  Container container;
  Tokenizer blob;
  const Tokenizer *tokenizer = nullptr; // null: token ids only
  Session session;
  std::string promptText; // as given; empty for token ids
};
} // namespace

static const char *text(void *pointer) {
  return pointer ? static_cast<const char *>(pointer) : "";
}

static uint64_t freshSeed() {
  uint64_t seed;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
    seed = uint64_t(time(nullptr)) << 20 ^ uint64_t(getpid());
  return seed & 0xffffffff; // short enough to type again
}

Error Program::printInfo() {
  std::string out = text(model.info);
  if (!out.empty() && out.back() != '\n')
    out += '\n';
  char line[256];
  auto add = [&](const char *what, uint64_t value, const char *unit) {
    snprintf(line, sizeof(line), "%s: %" PRIu64 " %s\n", what, value, unit);
    out += line;
  };
  out += std::string("name: ") + text(model.name) + "\n";
  out += std::string("target: ") + text(model.target) + "\n";
  std::string needs = featureNames(model.cpu_features);
  out += "cpu features: " + (needs.empty() ? "none" : needs) + "\n";
  add("vocabulary", model.vocab_size, "tokens");
  add("hidden size", model.hidden_size, "values");
  add("layers", model.num_layers, "");
  out.erase(out.size() - 2, 1); // no unit, no space
  add("longest context", model.max_context, "tokens");
  add("prefill batch", model.max_batch, "tokens");
  add("weights", container.weightsBytes(), "bytes");
  add("tokenizer", container.tokenizerBytes(), "bytes");
  add("activations", model.arena_bytes, "bytes");
  add("key-value cache", model.kv_bytes_per_token, "bytes per token");
  add("this file", container.fileBytes(), "bytes");
  return writeOut(out);
}

Error Program::openTokenizer() {
  if (!container.tokenizer())
    return Error();
  if (const char *reason = Tokenizer::open(container.tokenizer(),
                                           container.tokenizerBytes(), blob))
    return Error::make("%s: tokenizer section: %s; compile the model again",
                       container.path().c_str(), reason);
  tokenizer = &blob;
  return Error();
}

Error Program::openSession() {
  return session.open(model, container.weights(), options.session);
}

/// Encodes the text file `path`; `trim` drops one line end at its end, which
/// editors add and nobody means.
Error Program::readText(const std::string &path, bool addSpecial, bool trim,
                        std::vector<int32_t> &tokens) {
  if (!tokenizer)
    return Error::make("%s: this program has no tokenizer; give token ids with "
                       "--tokens",
                       path.c_str());
  if (Error error = readFile(path, promptText))
    return error;
  if (trim && !promptText.empty() && promptText.back() == '\n')
    promptText.pop_back();
  if (promptText.empty())
    return Error::make("%s: expected a text, but got an empty file",
                       path.c_str());
  tokens = tokenizer->encode(promptText, addSpecial, true);
  return Error();
}

Error Program::readPrompt(std::vector<int32_t> &tokens) {
  if (options.tokensFile)
    return readTokens(*options.tokensFile, tokens);
  if (options.promptFile)
    return readText(*options.promptFile, true, true, tokens);
  if (!tokenizer)
    return Error::make("--prompt: this program has no tokenizer; give token "
                       "ids with --tokens");
  promptText = *options.prompt;
  tokens = tokenizer->encode(promptText, true, true);
  if (tokens.empty())
    return Error::make("--prompt: expected a text, but got none");
  return Error();
}

Error Program::writeLogits(const std::vector<int32_t> &tokens) {
  NpyWriter writer;
  // Before the file is made: a bad prompt leaves nothing behind.
  if (Error error = session.checkTokens(tokens.data(), tokens.size(), "prompt"))
    return error;
  if (Error error =
          writer.open(*options.logitsFile, tokens.size(), session.vocabSize()))
    return error;
  auto sink = [&](const float *logits, uint32_t rows) {
    return writer.append(logits, rows);
  };
  if (Error error =
          session.evalAll(tokens.data(), tokens.size(), sink, interrupted))
    return error;
  session.rewind(0);
  return interrupted() ? Error() : writer.close();
}

Error Program::generate() {
  std::vector<int32_t> tokens;
  if (Error error = readPrompt(tokens))
    return error;
  if (Error error = openSession())
    return error;
  if (options.logitsFile) {
    if (Error error = writeLogits(tokens))
      return error;
    if (!options.predict || interrupted())
      return Error();
  }
  Sampler sampler(options.sampler, session.vocabSize());
  Generator generator(session, sampler, tokenizer,
                      {options.ignoreEos, options.printIds});
  std::optional<Tokenizer::Stream> stream;
  if (!generator.printsIds()) {
    bool shows = options.echo && promptText.empty();
    stream.emplace(*tokenizer, shows);
    if (options.echo)
      if (Error error = writeOut(promptText))
        return error;
    for (size_t i = 0; shows && i != tokens.size(); ++i)
      if (Error error = writeOut(stream->push(tokens[i])))
        return error;
  }
  Ending ending;
  if (Error error = generator.run(tokens, options.predict.value_or(UINT32_MAX),
                                  stream ? &*stream : nullptr, ending))
    return error;
  if (Error error = writeOut("\n"))
    return error;
  if (options.quiet)
    return Error();
  if (ending == Ending::ContextFull)
    fprintf(stderr, "note: the context of %u tokens is full\n",
            session.context());
  fprintf(stderr, "%sthreads: %u, seed: %" PRIu64 "\n",
          generator.report().c_str(), session.threads(), options.sampler.seed);
  return Error();
}

Error Program::continueAll() {
  const std::string &path = *options.promptsFile;
  if (!tokenizer)
    return Error::make("%s: this program has no tokenizer; give token ids with "
                       "--tokens",
                       path.c_str());
  std::vector<Prompt> prompts;
  if (Error error = readPrompts(path, *tokenizer, prompts))
    return error;
  PromptsOptions how;
  how.sampler = options.sampler;
  how.generator = {options.ignoreEos, options.printIds};
  how.echo = options.echo;
  how.limit = options.predict.value_or(UINT32_MAX);
  // Caches no larger than the longest text: each sequence has one.
  uint64_t needed = 0;
  for (const Prompt &prompt : prompts)
    needed = std::max<uint64_t>(needed, prompt.tokens.size());
  needed += how.limit;
  uint32_t &context = options.session.context;
  if (!context)
    context = uint32_t(std::min<uint64_t>(
        needed, std::min(model.max_context, defaultContext)));
  if (Error error = checkLengths(path, prompts, context, model.max_context))
    return error;
  options.session.sequences =
      options.parallel
          ? options.parallel
          : uint32_t(std::min<size_t>(prompts.size(), model.max_sequences));
  if (Error error = openSession())
    return error;
  std::string report;
  Error error = continuePrompts(session, *tokenizer, prompts, how, report);
  if (!error && !options.quiet && !interrupted())
    fprintf(stderr, "%sthreads: %u, together: %u, seed: %" PRIu64 "\n",
            report.c_str(), session.threads(), session.sequences(),
            options.sampler.seed);
  return error;
}

Error Program::converse() {
  if (!tokenizer)
    return Error::make("this program has no tokenizer; give token ids with "
                       "--tokens");
  if (Error error = openSession())
    return error;
  Sampler sampler(options.sampler, session.vocabSize());
  Generator generator(session, sampler, tokenizer,
                      {options.ignoreEos, options.printIds});
  Error error =
      chat(generator, *tokenizer, options.predict.value_or(defaultTurnTokens));
  if (!error && !options.quiet)
    fprintf(stderr, "%sthreads: %u, seed: %" PRIu64 "\n",
            generator.report().c_str(), session.threads(),
            options.sampler.seed);
  return error;
}

Error Program::perplexity() {
  std::vector<int32_t> tokens;
  if (Error error =
          options.perplexityFile
              ? readText(*options.perplexityFile, false, false, tokens)
              : readTokens(*options.tokensFile, tokens))
    return error;
  if (Error error = openSession())
    return error;
  int32_t bos = tokenizer ? tokenizer->bos() : -1;
  // The last token of a window is predicted but not run, so that a window and
  // its bos fill window positions (window - 1 without one).
  uint32_t window = options.perplexityWindow.value_or(
      std::min(defaultPerplexityWindow, session.context()));
  if (window > session.context())
    return Error::make("--ppl-window: expected at most %u, the context size, "
                       "but got %u; raise the context with -c",
                       session.context(), window);
  Perplexity result;
  if (Error error = measurePerplexity(session, tokens, bos, window, result))
    return error;
  if (!result.predicted)
    return Error();
  char line[200];
  snprintf(line, sizeof(line),
           "perplexity: %.6f (%" PRIu64 " tokens, %" PRIu64
           " windows of %u, %s)\n",
           result.value(), result.predicted, result.windows, window,
           bos >= 0 ? "each after bos" : "no bos");
  return writeOut(line);
}

Error Program::runBench() {
  uint32_t predict = options.predict.value_or(defaultBenchTokens);
  if (predict == UINT32_MAX)
    return Error::make("--bench: expected a number of tokens, but got -n -1");
  uint64_t needed = uint64_t(options.benchPrompt) + predict;
  options.session.sequences = options.benchSequences;
  // Several caches are only as large as they must be.
  if (!options.session.context)
    options.session.context = uint32_t(std::min<uint64_t>(
        model.max_context,
        std::max<uint64_t>(needed,
                           options.benchSequences == 1 ? defaultContext : 1)));
  if (Error error = openSession())
    return error;
  if (needed > session.context())
    return Error::make("--bench: expected a prompt and new tokens that fit a "
                       "context of %u, but got %" PRIu64
                       "; lower --bench-prompt or -n",
                       session.context(), needed);
  if (Error error = writeOut(std::string("model: ") + text(model.name) +
                             "\ntarget: " + text(model.target) + "\nthreads: " +
                             std::to_string(session.threads()) + "\n"))
    return error;
  return bench(session, options.benchPrompt, predict, options.benchRuns);
}

Error Program::run() {
  if (Error error = Session::checkModel(model))
    return error;
  if (Error error = container.open(nullptr, model.weights_bytes))
    return error;
  // --info works on a CPU that cannot run the model: that is its use.
  if (options.mode == Mode::Info)
    return printInfo();
  CpuState cpu;
  if (Error error = prepareCpu(model.cpu_features, cpu))
    return error;
  options.session.tiles = cpu.noTiles.empty();
  if (!options.session.tiles)
    fprintf(stderr,
            "note: matrix tiles cannot be used: %s; prompts are read more "
            "slowly\n",
            cpu.noTiles.c_str());
  if (Error error = openTokenizer())
    return error;
  options.sampler.seed = options.seed ? *options.seed : freshSeed();
  catchInterrupts();
  switch (options.mode) {
  case Mode::Chat:
    return converse();
  case Mode::Perplexity:
    return perplexity();
  case Mode::Bench:
    return runBench();
  default:
    return options.promptsFile ? continueAll() : generate();
  }
}

[[noreturn]] static void onOutOfMemory() {
  static const char message[] = "error: out of memory\n";
  (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
  _exit(1);
}

int bitnet::runProgram(int argc, char **argv, const bn_model &model) {
  std::set_new_handler(onOutOfMemory);
  const char *program = argc > 0 && argv[0][0] ? argv[0] : "program";
  if (const char *slash = strrchr(program, '/'))
    program = slash + 1;
  Options options;
  Error error = parseCommandLine(argc, argv, options);
  if (!error && options.mode == Mode::Help)
    error = writeOut(helpText(program));
  else if (!error && options.mode == Mode::Version)
    error = writeOut("bitnet runtime " BITNET_VERSION ", interface " +
                     std::to_string(BN_ABI_VERSION) + "\n");
  else if (!error)
    error = Program(model, std::move(options)).run();
  // Whatever failed because of Ctrl-C (a read, say) is not worth a message.
  if (interrupted())
    return interruptedStatus;
  if (error) {
    fprintf(stderr, "%s: error: %s\n", program, error.message().c_str());
    return 1;
  }
  return 0;
}
