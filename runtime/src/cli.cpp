//===- cli.cpp - The command line of every produced executable ------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "cli.h"

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdlib>
#include <cstring>

using namespace bitnet;

// Value names ending in '?' are optional.
namespace {
using Apply = Error (*)(Options &options, const char *name, const char *value);
struct Option {
  char letter;         // 0: long form only
  const char *name;    // nullptr: a heading
  const char *metavar; // nullptr: a flag
  const char *help;
  Apply apply;
};
} // namespace

static Error parseWhole(const char *name, const char *text, uint64_t low,
                        uint64_t high, uint64_t &value) {
  char *end = nullptr;
  errno = 0;
  unsigned long long parsed = strtoull(text, &end, 10);
  // strtoull takes signs and leading space; a count has neither.
  bool digits = text[0] >= '0' && text[0] <= '9' && !*end && !errno;
  if (!digits || parsed < low || parsed > high)
    return Error::make("%s: expected a whole number from %" PRIu64
                       " to %" PRIu64 ", but got \"%s\"",
                       name, low, high, text);
  value = parsed;
  return Error();
}

template <typename Target>
static Error parseCount(const char *name, const char *text, uint64_t low,
                        uint64_t high, Target &target) {
  uint64_t value;
  if (Error error = parseWhole(name, text, low, high, value))
    return error;
  target = uint32_t(value);
  return Error();
}

static Error parseReal(const char *name, const char *text, double low,
                       double high, float &target) {
  char *end = nullptr;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= low && value <= high))
    return Error::make("%s: expected a number from %g to %g, but got \"%s\"",
                       name, low, high, text);
  target = float(value);
  return Error();
}

static Error setMode(Options &options, Mode mode) {
  // --help and the like win over whatever else is there.
  if (options.mode < Mode::Info)
    options.mode = mode;
  return Error();
}

#define APPLY                                                                  \
  [](Options & o, [[maybe_unused]] const char *name,                           \
     [[maybe_unused]] const char *value)                                       \
      ->Error

static const Option table[] = {
    {0, nullptr, nullptr, "text", nullptr},
    {'p', "prompt", "TEXT", "text to continue; special tokens are recognised",
     APPLY{return o.prompt = value, Error();
}
}
, {'f', "file", "FILE",
   "read the text to continue from FILE (- is standard input), less one "
   "line end at its end",
   APPLY{return o.promptFile = value, Error();
}
}
, {0, "prompts", "FILE",
   "continue each line of FILE; prints one JSON object per line, in order: "
   "prompt (its number), seed, text or ids, tokens, end (eos, limit or "
   "context). Each is what the prompt gives alone with its seed: --seed plus "
   "its number",
   APPLY{return o.promptsFile = value, Error();
}
}
, {0, "parallel", "N",
   "continue N of the --prompts together, which reads the weights once for "
   "all (default: as many as the model was compiled for)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.parallel);
}
}
, {0, "tokens", "FILE",
   "token ids, separated by white space, instead of a text",
   APPLY{return o.tokensFile = value, Error();
}
}
, {'n', "predict", "N",
   "stop after N tokens; -1: at the end of the text or the context (default "
   "-1; in a conversation 256; with --logits-out 0)",
   APPLY{if (strcmp(value, "-1") == 0) return o.predict = UINT32_MAX, Error();
return parseCount(name, value, 0, INT32_MAX, o.predict);
}
}
, {0, "ignore-eos", nullptr, "go on after an end-of-text token",
   APPLY{return o.ignoreEos = true, Error();
}
}
, {0, "echo", nullptr, "print the prompt before the generated text",
   APPLY{return o.echo = true, Error();
}
}
, {0, "print-ids", nullptr,
   "print the ids of the generated tokens, in one line, instead of text",
   APPLY{return o.printIds = true, Error();
}
}
, {'q', "quiet", nullptr, "no speed report on standard error",
   APPLY{return o.quiet = true, Error();
}
}
,

    {0, nullptr, nullptr, "choice of tokens", nullptr},
    {0, "temp", "X", "temperature; 0: always the most likely (default 0.8)",
     APPLY{return parseReal(name, value, 0, 100, o.sampler.temperature);
}
}
, {0, "top-k", "N", "choose from the N most likely; 0: all (default 40)",
   APPLY{return parseCount(name, value, 0, INT32_MAX, o.sampler.topK);
}
}
, {0, "top-p", "X",
   "choose from the most likely that sum to X; 1: all (default 0.95)",
   APPLY{return parseReal(name, value, 0, 1, o.sampler.topP);
}
}
, {0, "min-p", "X",
   "drop tokens less than X times as likely as the best (default 0.05)",
   APPLY{return parseReal(name, value, 0, 1, o.sampler.minP);
}
}
, {0, "repeat-penalty", "X",
   "make recent tokens less likely; 1: off (default 1)",
   APPLY{return parseReal(name, value, 0.01, 100, o.sampler.repeatPenalty);
}
}
, {0, "repeat-last-n", "N",
   "how many tokens are recent to --repeat-penalty (default 64)",
   APPLY{return parseCount(name, value, 0, 1u << 20, o.sampler.repeatLastN);
}
}
, {0, "seed", "N",
   "start of the random numbers; the same seed gives the same text on every "
   "machine (default: a new one each time)",
   APPLY{uint64_t seed;
if (Error error = parseWhole(name, value, 0, UINT64_MAX, seed))
  return error;
return o.seed = seed, Error();
}
}
,

    {0, nullptr, nullptr, "resources", nullptr},
    {'t', "threads", "N", "threads (default: physical cores)",
     APPLY{return parseCount(name, value, 1, maxThreads, o.session.threads);
}
}
, {'c', "ctx-size", "N",
   "positions of the context (default: what the model takes, at most 4096)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.session.context);
}
}
, {0, "batch-size", "N",
   "tokens of the prompt per step; 1: one by one (default: the model's)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.session.batch);
}
}
,

    {0, nullptr, nullptr, "measure", nullptr},
    {0, "logits-out", "FILE",
     "write the logits of the prompt as NumPy float32 [positions, vocabulary]",
     APPLY{return o.logitsFile = value, Error();
}
}
, {0, "ppl", "[FILE]",
   "perplexity of the text in FILE or the ids in --tokens, cut into windows "
   "that each start with the beginning-of-text token, if there is one",
   APPLY{if (value) o.perplexityFile = value;
return setMode(o, Mode::Perplexity);
}
}
, {0, "ppl-window", "N",
   "tokens per window (default: 512, or what fits the context)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.perplexityWindow);
}
}
, {0, "bench", nullptr,
   "speed of reading a prompt of random tokens and of generating -n "
   "(default 128) tokens",
   APPLY{return setMode(o, Mode::Bench);
}
}
, {0, "bench-prompt", "N", "tokens of the --bench prompt (default 512)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.benchPrompt);
}
}
, {0, "bench-sequences", "N",
   "also measure N texts continued together (default 1)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.benchSequences);
}
}
, {0, "bench-runs", "N", "runs of --bench; medians are shown (default 3)",
   APPLY{return parseCount(name, value, 1, INT32_MAX, o.benchRuns);
}
}
,

    {0, nullptr, nullptr, "about", nullptr},
    {0, "info", nullptr, "what this program is: model, formats, target, sizes",
     APPLY{return setMode(o, Mode::Info);
}
}
, {'h', "help", nullptr, "this text", APPLY{return setMode(o, Mode::Help);
}
}
, {0, "version", nullptr, "version of the runtime",
   APPLY{return setMode(o, Mode::Version);
}
}
,
}
;
#undef APPLY

static bool valueOptional(const Option &option) {
  return option.metavar && option.metavar[0] == '[';
}

/// Finds the option that `argument` names; sets `attached` to a value given in
/// the same argument (--name=value, -nvalue) or null.
static const Option *findOption(const char *argument, const char *&attached) {
  attached = nullptr;
  for (const Option &option : table) {
    if (!option.name)
      continue;
    if (argument[1] != '-') {
      if (!option.letter || argument[1] != option.letter)
        continue;
      if (argument[2])
        attached = argument + 2;
      return &option;
    }
    size_t length = strlen(option.name);
    if (strncmp(argument + 2, option.name, length) != 0)
      continue;
    if (argument[2 + length] == '=')
      attached = argument + 3 + length;
    if (attached || !argument[2 + length])
      return &option;
  }
  return nullptr;
}

static Error checkConflicts(Options &options) {
  if (options.mode >= Mode::Info)
    return Error();
  int sources = options.prompt.has_value() + options.promptFile.has_value() +
                options.promptsFile.has_value() +
                options.tokensFile.has_value() +
                options.perplexityFile.has_value();
  if (sources > 1)
    return Error::make("expected one of --prompt, --file, --prompts, --tokens "
                       "and --ppl FILE, but got %d of them",
                       sources);
  if (options.mode == Mode::Bench && sources)
    return Error::make("--bench: expected no text, but got one; it makes up "
                       "its own, see --bench-prompt");
  if (options.mode == Mode::Perplexity && !options.perplexityFile &&
      !options.tokensFile)
    return Error::make("--ppl: expected a file, but got none; give --ppl FILE "
                       "or --tokens FILE");
  if (options.parallel && !options.promptsFile)
    return Error::make("--parallel: expected several prompts, but got none; "
                       "give --prompts FILE");
  if (options.promptsFile && options.logitsFile)
    return Error::make("--prompts: expected no measurement, but got "
                       "--logits-out");
  if (options.mode != Mode::Generate && options.logitsFile)
    return Error::make("--logits-out: expected a prompt, but got another "
                       "measurement");
  if (options.mode == Mode::Generate && !sources) {
    if (options.logitsFile)
      return Error::make("--logits-out: expected a prompt, but got none; give "
                         "--prompt, --file or --tokens");
    options.mode = Mode::Chat;
  }
  return Error();
}

Error bitnet::parseCommandLine(int argc, const char *const *argv,
                               Options &options) {
  for (int i = 1; i < argc; ++i) {
    const char *argument = argv[i];
    if (argument[0] != '-' || !argument[1])
      return Error::make("unexpected argument \"%s\"; give a prompt with -p, "
                         "see --help",
                         argument);
    const char *value;
    const Option *option = findOption(argument, value);
    if (!option)
      return Error::make("unknown option \"%s\"; see --help", argument);
    std::string name = std::string("--") + option->name;
    if (!option->metavar && value)
      return Error::make("%s: expected no value, but got \"%s\"", name.c_str(),
                         value);
    if (option->metavar && !value && i + 1 < argc &&
        (!valueOptional(*option) || argv[i + 1][0] != '-'))
      value = argv[++i];
    if (option->metavar && !value && !valueOptional(*option))
      return Error::make("%s: expected %s, but got nothing; see --help",
                         name.c_str(), option->metavar);
    if (Error error = option->apply(options, name.c_str(), value))
      return error;
  }
  return checkConflicts(options);
}

/// Appends `text`, broken into lines of 79 characters, from column `indent`.
static void wrap(std::string &out, const std::string &text, size_t indent) {
  size_t column = indent;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(' ', at), text.size());
    if (column > indent && column + 1 + (end - at) > 79) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, at, end - at);
    column += end - at;
    at = end + 1;
  }
  out += '\n';
}

std::string bitnet::helpText(const std::string &program) {
  std::string out = "usage: " + program + " [-p TEXT | -f FILE] [options]\n\n";
  wrap(out,
       "Continues a text with the language model inside this program; without "
       "one, continues what you type. Ctrl-C stops the text that is being "
       "written; a program that Ctrl-C ended has exit status 130, one with a "
       "bad option or input 1.",
       0);
  constexpr size_t indent = 26;
  for (const Option &option : table) {
    if (!option.name) {
      out += std::string("\n") + option.help + ":\n";
      continue;
    }
    std::string left = "  ";
    left += option.letter ? std::string("-") + option.letter + ", " : "    ";
    left += std::string("--") + option.name;
    if (option.metavar)
      left += std::string(" ") + option.metavar;
    if (left.size() + 1 > indent)
      left += '\n' + std::string(indent, ' ');
    else
      left.resize(indent, ' ');
    out += left;
    wrap(out, option.help, indent);
  }
  return out;
}
