//===- Options.cpp - The command line of bitnet-bench ---------------------===//
//
// One table drives parsing and --help. (llvm::cl would offer the options of
// every library that is linked in, and cannot repeat an option per subcommand
// without repeating its variable.)
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace bitnetc;
using namespace bitnetc::bench;
using llvm::Error;
using llvm::StringRef;

static Error unexpected(StringRef name, const llvm::Twine &expected,
                        StringRef value) {
  return makeError("--" + name + ": expected " + expected + ", but got '" +
                   value + "'");
}

/// A number from `least` to `most`.
template <typename T>
static Error parseNumber(StringRef name, StringRef value, int64_t least,
                         int64_t most, T &out) {
  int64_t number;
  if (value.getAsInteger(10, number) || number < least || number > most)
    return unexpected(name,
                      "a number from " + llvm::Twine(least) + " to " +
                          llvm::Twine(most),
                      value);
  out = number;
  return Error::success();
}

template <typename T>
static Error parseNumbers(StringRef name, StringRef value, int64_t least,
                          int64_t most, std::vector<T> &out) {
  out.clear();
  for (StringRef part : llvm::split(value, ','))
    if (Error error = parseNumber(name, part, least, most, out.emplace_back()))
      return error;
  return Error::success();
}

static Error parseReal(StringRef name, StringRef value, double &out) {
  // `!(out > 0)` also refuses NaN.
  if (value.getAsDouble(out) || !(out > 0) || out > 1e9)
    return unexpected(name, "a number above 0", value);
  return Error::success();
}

/// More rows than any model's matrix has; columns whose sums of int8 products
/// are exact as floats, so that results can be checked.
static constexpr int64_t maxRows = 1 << 20, maxColumns = 1 << 17;
static constexpr int64_t maxTokens = 4096, maxThreads = 1024;
/// Fewer rounds have no percentiles to speak of.
static constexpr int64_t minRuns = 5;

static Error parseShapes(StringRef name, StringRef value, Options &options) {
  options.shapes.clear();
  for (StringRef part : llvm::split(value, ',')) {
    auto [n, k] = part.split('x');
    MatrixShape &shape = options.shapes.emplace_back();
    if (n.getAsInteger(10, shape.n) || k.getAsInteger(10, shape.k) ||
        shape.n < 1 || shape.n > maxRows || shape.k < 1 || shape.k > maxColumns)
      return unexpected(name,
                        "ROWSxCOLUMNS up to " + llvm::Twine(maxRows) + "x" +
                            llvm::Twine(maxColumns),
                        part);
  }
  return Error::success();
}

static Error parseFormats(StringRef name, StringRef value, Options &options) {
  options.formats.clear();
  for (StringRef part : llvm::split(value, ',')) {
    if (part == "all") {
      for (const PackingFormat *format : allFormats())
        options.formats.push_back(format->getName().str());
      continue;
    }
    if (part != "auto" && !findFormat(part)) {
      std::string names = "auto, all";
      for (const PackingFormat *format : allFormats())
        names += (", " + format->getName()).str();
      return unexpected(name, "some of " + names, part);
    }
    options.formats.push_back(part.str());
  }
  return Error::success();
}

namespace {

enum Modes { InKernel = 1, InModel = 2, InBoth = 3 };

struct Option {
  const char *name, *value, *help;
  int modes;
};

constexpr Option allOptions[] = {
    {"shape", "NxK,...", "rows and columns of the matrix (default 6912x2560)",
     InKernel},
    {"n", "N", "rows, with --k instead of --shape", InKernel},
    {"k", "K", "columns", InKernel},
    {"m", "M,...", "tokens multiplied at once (default 1)", InKernel},
    {"format", "NAME,...", "packing formats, all: every one (default auto)",
     InKernel},
    {"cpu", "CPU", "CPU to compile for, as bitnetc (default native)", InKernel},
    {"mattr", "+a,-b", "features to add or remove, as bitnetc", InKernel},
    {"level", "LEVEL", "where the matrices lie: l2, l3 or dram (default dram)",
     InKernel},
    {"seconds", "S", "of each measurement in a round (default 0.2)", InKernel},
    {"peak", "GOPS",
     "10^9 operations a second that the machine can do, not "
     "measured",
     InKernel},
    {"svg", "FILE", "write a roofline plot", InKernel},
    {"prompt", "N", "tokens of the prompt (default 512)", InModel},
    {"n", "N", "tokens to decode (default 128)", InModel},
    {"threads", "T,...", "numbers of threads (default 1)", InBoth},
    {"runs", "N", "interleaved rounds, 5 or more (default 5)", InBoth},
    {"megabytes", "N", "memory to walk through (default 8 l3: 32, dram: 704)",
     InBoth},
    {"table", nullptr, "print an aligned table (default)", InBoth},
    {"json", nullptr, "print JSON", InBoth},
    {"csv", nullptr, "print comma-separated values", InBoth},
};

} // namespace

/// Stores an option that is in the table.
static Error apply(StringRef name, StringRef value, Options &options) {
  bool kernel = options.mode == Options::Mode::Kernel;
  if (name == "shape")
    return parseShapes(name, value, options);
  if (name == "n" && kernel)
    return parseNumber(name, value, 1, maxRows, options.shapes[0].n);
  if (name == "n")
    return parseNumber(name, value, 1, 1 << 20, options.predict);
  if (name == "k")
    return parseNumber(name, value, 1, maxColumns, options.shapes[0].k);
  if (name == "m")
    return parseNumbers(name, value, 1, maxTokens, options.tokens);
  if (name == "format")
    return parseFormats(name, value, options);
  if (name == "level") {
    if (value != "l2" && value != "l3" && value != "dram")
      return unexpected(name, "l2, l3 or dram", value);
    options.level = value.str();
  }
  if (name == "seconds")
    return parseReal(name, value, options.seconds);
  if (name == "peak")
    return parseReal(name, value, options.peak);
  if (name == "prompt")
    return parseNumber(name, value, 1, 1 << 20, options.prompt);
  if (name == "threads")
    return parseNumbers(name, value, 1, maxThreads, options.threads);
  if (name == "runs")
    return parseNumber(name, value, minRuns, 10000, options.runs);
  if (name == "megabytes")
    return parseNumber(name, value, 1, 1 << 20, options.megabytes);
  if (name == "cpu")
    options.cpu = value.str();
  if (name == "mattr")
    options.features = value.str();
  if (name == "svg")
    options.svg = value.str();
  if (name == "table")
    options.format = ReportFormat::Table;
  if (name == "json")
    options.format = ReportFormat::JSON;
  if (name == "csv")
    options.format = ReportFormat::CSV;
  return Error::success();
}

llvm::Expected<Options>
bench::parseOptions(llvm::ArrayRef<StringRef> arguments) {
  Options options;
  if (arguments.empty())
    return makeError("expected 'kernel' or 'model', but got nothing; see "
                     "bitnet-bench --help");
  if (llvm::is_contained(arguments, "--help") ||
      llvm::is_contained(arguments, "-h"))
    return options;
  StringRef mode = arguments.front();
  if (mode != "kernel" && mode != "model")
    return makeError("expected 'kernel' or 'model', but got '" + mode +
                     "'; see bitnet-bench --help");
  bool kernel = mode == "kernel";
  options.mode = kernel ? Options::Mode::Kernel : Options::Mode::Model;
  for (size_t i = 1; i < arguments.size(); ++i) {
    StringRef name = arguments[i];
    if (!name.consume_front("--")) {
      if (kernel || name.starts_with("-"))
        return makeError("expected options, but got '" + name +
                         "'; see bitnet-bench --help");
      options.programs.push_back(name.str());
      continue;
    }
    std::optional<StringRef> value;
    if (name.contains('=')) {
      value = name.split('=').second;
      name = name.split('=').first;
    }
    const Option *known = llvm::find_if(allOptions, [&](const Option &option) {
      return name == option.name &&
             (option.modes & (kernel ? InKernel : InModel));
    });
    if (known == std::end(allOptions))
      return makeError("unknown option '--" + name + "' of '" + mode +
                       "'; see bitnet-bench --help");
    if (!known->value && value)
      return makeError("--" + name + ": expected no value, but got '" + *value +
                       "'");
    if (known->value && !value) {
      if (++i == arguments.size())
        return makeError("--" + name + ": expected a value, but got none");
      value = arguments[i];
    }
    if (Error error = apply(name, value.value_or(""), options))
      return std::move(error);
  }
  if (!kernel && options.programs.empty())
    return makeError("model: expected executables that bitnetc made, but got "
                     "none");
  return options;
}

std::string bench::getHelp() {
  std::string text =
      "bitnet-bench: measure ternary products and whole models\n\n"
      "  bitnet-bench kernel [options]\n"
      "  bitnet-bench model EXECUTABLE... [options]\n\n"
      "Every result is compared with what this machine can do at best, which "
      "is\nmeasured in the same minute: a plain streaming read of memory, and "
      "integer\nmultiplications on registers.\n";
  auto add = [&](const char *title, int modes) {
    text += std::string("\n") + title + "\n";
    for (const Option &option : allOptions)
      if (option.modes == modes) {
        std::string left = std::string("--") + option.name;
        if (option.value)
          left += std::string(" ") + option.value;
        text += llvm::formatv("  {0,-20} {1}\n", left, option.help);
      }
  };
  add("Options of kernel:", InKernel);
  add("Options of model:", InModel);
  add("Options of both:", InBoth);
  return text;
}
