//===- ModelBench.cpp - Measure executables that bitnetc made -------------===//
//
// The programs measure themselves (--bench); this runs them in turns, one
// measured run each, and holds what a token must read from memory against what
// the memory gives in the same minute.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "ModelBench.h"
#include "Limits.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <map>

using namespace bitnetc;
using namespace bitnetc::bench;
using namespace bitnetc::measure;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Of the streaming read in each round.
static constexpr double readSeconds = 0.1;
/// No cache that one virtual machine gets is as large.
static constexpr uint64_t defaultMegabytes = 704;

namespace {

/// One executable and what its --info says.
struct Program {
  std::string path;
  double tokenBytes = 0;   // weights that every decoded token reads
  double contextBytes = 0; // keys and values of one position
  /// Tokens per second, of each number of threads.
  std::map<unsigned, std::vector<double>> prefill, decode;
};

} // namespace

/// Standard output of `path` with `arguments`.
static Expected<std::string> capture(const std::string &path,
                                     llvm::ArrayRef<std::string> arguments) {
  llvm::SmallString<128> output;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("bitnet-bench", "txt", output))
    return makeError("temporary file: " + code.message());
  llvm::FileRemover remover(output);
  std::vector<StringRef> line = {path};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::string message;
  int status = llvm::sys::ExecuteAndWait(
      path, line, std::nullopt,
      {StringRef(""), StringRef(output), std::nullopt}, 0, 0, &message);
  if (status)
    return makeFileError(path, "cannot be measured: " +
                                   (message.empty()
                                        ? "exit status " + llvm::Twine(status)
                                        : llvm::Twine(message)));
  auto text = llvm::MemoryBuffer::getFile(output);
  if (!text)
    return makeFileError(path,
                         "cannot be measured: " + text.getError().message());
  return (*text)->getBuffer().str();
}

/// The number after `label` in the first line of `text` that starts with it.
static Expected<double> findNumber(const std::string &path, StringRef text,
                                   StringRef label) {
  for (StringRef line : llvm::split(text, '\n')) {
    double number;
    if (line.consume_front(label) &&
        !line.ltrim()
             .take_until([](char c) { return c == ' '; })
             .getAsDouble(number))
      return number;
  }
  return makeFileError(path, "expected an executable that bitnetc made, but "
                             "its output has no '" +
                                 label + "'");
}

static Error readInfo(Program &program) {
  auto info = capture(program.path, {"--info"});
  if (!info)
    return info.takeError();
  double values[2];
  for (auto [label, value] :
       llvm::zip_equal(llvm::ArrayRef<const char *>{"token        reads",
                                                    "key-value cache:"},
                       llvm::MutableArrayRef<double>(values))) {
    auto number = findNumber(program.path, *info, label);
    if (!number)
      return number.takeError();
    value = *number;
  }
  program.tokenBytes = values[0];
  program.contextBytes = values[1];
  return Error::success();
}

static Error measureProgram(Program &program, unsigned threads,
                            const Options &options) {
  auto text =
      capture(program.path,
              {"--bench", "--bench-prompt", std::to_string(options.prompt),
               "-n", std::to_string(options.predict), "--bench-runs", "1", "-t",
               std::to_string(threads)});
  if (!text)
    return text.takeError();
  for (auto [phase, tokens, rates] :
       {std::tuple("prefill", options.prompt, &program.prefill[threads]),
        std::tuple("decode", options.predict, &program.decode[threads])}) {
    auto rate =
        findNumber(program.path, *text,
                   llvm::formatv("{0}: {1} tokens, ", phase, tokens).str());
    if (!rate)
      return rate.takeError();
    rates->push_back(*rate);
  }
  return Error::success();
}

Expected<Report> bench::runModelBench(const Options &options) {
  std::vector<Program> programs;
  for (const std::string &path : options.programs) {
    programs.emplace_back().path = path;
    if (Error error = readInfo(programs.back()))
      return std::move(error);
  }
  std::string load = describeLoad();
  uint64_t megabytes = options.megabytes ? options.megabytes : defaultMegabytes;
  auto buffer = Buffer::allocate(megabytes << 20);
  if (!buffer)
    return buffer.takeError();
  std::map<unsigned, StreamingRead> reads;
  for (unsigned run = 0; run < options.runs; ++run)
    for (unsigned threads : options.threads) {
      // A team for the moment: its threads must not wait beside a program.
      auto team = Threads::start(threads);
      if (!team)
        return team.takeError();
      reads.try_emplace(threads, *buffer, buffer->bytes())
          .first->second.measure(**team, readSeconds);
      team->reset();
      for (Program &program : programs)
        if (Error error = measureProgram(program, threads, options))
          return std::move(error);
    }

  Report report;
  report.facts = {
      {"machine", describeCpu()},         {"load before", load},
      {"load after", describeLoad()},     {"rounds", double(options.runs)},
      {"prompt", double(options.prompt)}, {"decoded", double(options.predict)}};
  for (auto &[threads, read] : reads)
    report.facts.push_back(
        {"streaming read, " + describeThreads(threads) + ", GB/s",
         read.gigabytesPerSecond()});
  for (auto &[threads, read] : reads)
    report.facts.push_back(
        {"its 90th percentile, " + describeThreads(threads) + ", GB/s",
         read.gigabytesPerSecond(0.9)});
  report.columns = {{"program", "program"},
                    {"threads", "threads"},
                    {"prefill", "prefill tok/s", 1},
                    {"prefill_p10", "p10", 1},
                    {"prefill_p90", "p90", 1},
                    {"decode", "decode tok/s", 2},
                    {"decode_p10", "p10", 2},
                    {"decode_p90", "p90", 2},
                    {"megabytes_per_token", "MB/token", 1},
                    {"gigabytes_per_second", "GB/s", 1},
                    {"percent_of_limit", "% limit", 1},
                    {"percent_of_limit_p90", "% of p90", 1}};
  for (Program &program : programs)
    for (unsigned threads : options.threads) {
      const auto &prefill = program.prefill[threads];
      const auto &decode = program.decode[threads];
      // Decoded tokens see the prompt and half of what they make.
      double bytes =
          program.tokenBytes +
          program.contextBytes * (options.prompt + options.predict / 2.0);
      double rate = 1e-9 * bytes * percentile(decode, 0.5);
      report.rows.push_back(
          {llvm::sys::path::filename(program.path).str(), double(threads),
           percentile(prefill, 0.5), percentile(prefill, 0.1),
           percentile(prefill, 0.9), percentile(decode, 0.5),
           percentile(decode, 0.1), percentile(decode, 0.9), 1e-6 * bytes, rate,
           100 * rate / reads.at(threads).gigabytesPerSecond(),
           1e-7 * bytes * percentile(decode, 0.9) /
               reads.at(threads).gigabytesPerSecond(0.9)});
    }
  return report;
}
