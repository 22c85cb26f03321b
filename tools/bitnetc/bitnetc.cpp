//===- bitnetc.cpp - Compile a ternary model to an executable -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Measure/Tune.h"
#include "bitnetc/Pipeline/Compiler.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include <csignal>

using namespace llvm;
using namespace bitnetc;

static cl::OptionCategory category("bitnetc options");

static cl::opt<std::string> model(cl::Positional, cl::desc("MODEL_DIR"),
                                  cl::cat(category));
static cl::opt<std::string> output("o", cl::value_desc("file"),
                                   cl::desc("Output file ('-': standard "
                                            "output, for text stages)"),
                                   cl::cat(category));
static cl::opt<std::string>
    emit("emit", cl::value_desc("stage"), cl::init("exe"),
         cl::desc("Stop after a stage: bitnet, ternary, tiled, vector, llvm, "
                  "ir, asm, obj or exe (default)"),
         cl::cat(category));
static cl::opt<std::string>
    saveTemps("save-temps", cl::value_desc("dir"),
              cl::desc("Keep the result of every stage in this folder"),
              cl::cat(category));
static cl::opt<char> level("O", cl::Prefix, cl::init('3'),
                           cl::desc("Optimisation level of LLVM: 0 to 3"),
                           cl::cat(category));
static cl::opt<std::string>
    triple("target", cl::value_desc("triple"),
           cl::desc("Target, e.g. aarch64-linux-gnu (default: this machine's)"),
           cl::cat(category));
static cl::opt<std::string>
    cpu("cpu", cl::value_desc("cpu"),
        cl::desc("CPU to generate code for: native (default), x86-64-v3, "
                 "x86-64-v4, sapphirerapids, neoverse-n1, ..."),
        cl::cat(category));
static cl::opt<std::string>
    features("mattr", cl::value_desc("+a,-b"),
             cl::desc("Features to add to or remove from the CPU's"),
             cl::cat(category));
static cl::opt<std::string> formatName(
    "format", cl::value_desc("name"), cl::init("auto"),
    cl::desc("Packing format of all ternary matrices (default: auto, "
             "by predicted time); --list-formats lists them"),
    cl::cat(category));
static cl::opt<std::string>
    head("head", cl::value_desc("kind"), cl::init("auto"),
         cl::desc("Output head: full; screened (the same tokens from about "
                  "half the bytes, for a file larger by half the head); auto "
                  "(default: screened where it is faster); or, which changes "
                  "logits, stored as f16, bf16, int8 (a scale for each row) or "
                  "int4 (a scale for 32 numbers of each), beside the embedding "
                  "if that is the head"),
         cl::cat(category));
static cl::opt<int64_t>
    maxBatch("max-batch", cl::value_desc("n"), cl::init(128),
             cl::desc("Most prompt tokens handled at once (default 128)"),
             cl::cat(category));
static cl::opt<int64_t>
    maxSequences("max-sequences", cl::value_desc("n"), cl::init(16),
                 cl::desc("Most texts continued at once (default 16)"),
                 cl::cat(category));
static cl::opt<CacheElement> cacheElement(
    "kv", cl::init(CacheElement::F32),
    cl::desc("What keys and values are kept as (default f32):"),
    cl::values(clEnumValN(CacheElement::F32, "f32", "as computed"),
               clEnumValN(CacheElement::F16, "f16", "rounded, half the memory"),
               clEnumValN(CacheElement::Int8, "int8",
                          "rounded, a quarter of the memory")),
    cl::cat(category));
static cl::opt<bool>
    explain("explain",
            cl::desc("Print the predicted times of all formats and the choice "
                     "for every matrix, and the choice of the head"),
            cl::cat(category));
static cl::opt<std::string>
    tune("tune", cl::value_desc("file"), cl::ValueOptional,
         cl::desc("Measure all formats for the model's matrices on this "
                  "machine, write the fastest to a file (default: "
                  "bitnetc-spec.json) and exit"),
         cl::cat(category));
static cl::opt<std::string>
    spec("spec", cl::value_desc("file"),
         cl::desc("Use the formats that --tune has written to this file"),
         cl::cat(category));
static cl::opt<std::string> weightCache(
    "weight-cache", cl::value_desc("dir"), cl::init("off"),
    cl::desc("Keep packed weights in this folder, at most 20 GB, for other "
             "compilations of the same model; off (default): nowhere"),
    cl::cat(category));
static cl::opt<bool> quiet("q", cl::desc("No progress on standard error"),
                           cl::cat(category));
static cl::opt<std::string>
    libraryPath("runtime-path", cl::value_desc("dir"),
                cl::desc("Folder of the runtime libraries (default: "
                         "../lib/bitnetc beside this program)"),
                cl::cat(category));

/// The folder of the runtime libraries beside this program.
static std::string getDefaultLibraryPath(const char *argv0) {
  SmallString<128> path(
      sys::fs::getMainExecutable(argv0, (void *)&getDefaultLibraryPath));
  path = sys::path::parent_path(sys::path::parent_path(path));
  sys::path::append(path, "lib", "bitnetc");
  return path.str().str();
}

static int fail(const Twine &message) {
  errs() << "bitnetc: error: " << message << "\n";
  return 1;
}

/// LLVM's message on a bad command line in one line of our kind. It has the
/// program's name first, a capital, hints after the sentence, and more lines.
static std::string getUsageError(StringRef message) {
  StringRef line = message.split('\n').first.split("  Try:").first.trim();
  line.consume_front("bitnetc: ");
  line = line.rtrim(".!");
  return (Twine(llvm::toLower(line.front())) + line.drop_front() +
          "; see bitnetc --help")
      .str();
}

static void printFormats(bool value) {
  if (!value)
    return;
  mlir::MLIRContext context;
  context.loadDialect<ternary::TernaryDialect>();
  outs() << formatv("{0,-8} {1,12} {2,10}\n", "format", "bits/weight", "kind");
  for (const PackingFormat *known : allFormats()) {
    auto attr = known->getAttr(&context);
    outs() << formatv("{0,-8} {1,12:f3} {2,10}\n", known->getName(),
                      8.0 * attr.getStepBytes() /
                          (attr.getTileRows() * attr.getStepCols()),
                      attr.usesTables() ? "lookup" : "dot");
  }
  outs().flush();
  bool failed = outs().has_error();
  outs().clear_error();
  exit(failed ? fail("standard output: cannot write") : 0);
}
static cl::opt<bool>
    listFormats("list-formats", cl::desc("List the packing formats and exit"),
                cl::callback([](const bool &value) { printFormats(value); }),
                cl::cat(category));

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  // A file that grows past `ulimit -f` is a failed write, not a crash.
  signal(SIGXFSZ, SIG_IGN);
  // A library linked into LLVM has an option of this name that means nothing
  // here; ours takes its place.
  auto &registered = cl::getRegisteredOptions();
  if (auto taken = registered.find("threads"); taken != registered.end())
    taken->second->removeArgument();
  cl::opt<unsigned> threads(
      "threads", cl::value_desc("n"), cl::init(0),
      cl::desc("Default number of threads of the executable (default: the "
               "physical cores it finds)"),
      cl::cat(category));
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](raw_ostream &os) { os << "bitnetc 0.1.0\n"; });
  std::string usage;
  raw_string_ostream usageStream(usage);
  bool understood = cl::ParseCommandLineOptions(
      argc, argv,
      "bitnetc: compile a ternary language model to a native executable\n\n"
      "  bitnetc MODEL_DIR -o chat && ./chat -p \"Hello\"\n\n"
      "MODEL_DIR is a Hugging Face directory: config.json, tokenizer.json and\n"
      "*.safetensors of a BitNet, 1bitLLM or ternary Llama checkpoint.\n",
      &usageStream);
  // The linker registers code generation options of its own under this name.
  features.removeArgument();
  // LLVM itself prints about bad values, and hands over other messages.
  if (!understood)
    return usage.empty() ? 1 : fail(getUsageError(usage));
  if (model.empty())
    return fail("expected MODEL_DIR, but got none; see bitnetc --help");
  const Stage *stage = findStage(emit);
  if (!stage) {
    std::string names;
    for (const Stage &known : getStages())
      names += (names.empty() ? "" : ", ") + known.name.str();
    return fail("--emit: expected one of " + names + ", but got '" + emit +
                "'");
  }
  if (level < '0' || level > '3')
    return fail("-O: expected 0, 1, 2 or 3, but got '" + Twine(level) + "'");
  if (maxBatch < 1 || maxBatch > 4096)
    return fail("--max-batch: expected 1 to 4096, but got " + Twine(maxBatch));
  if (maxSequences < 1 || maxSequences > 256)
    return fail("--max-sequences: expected 1 to 256, but got " +
                Twine(maxSequences));
  if (threads > 1024)
    return fail("--threads: expected 0 to 1024, but got " + Twine(threads));
  if (formatName != "auto" && !findFormat(formatName)) {
    std::string names = "auto";
    for (const PackingFormat *known : allFormats())
      names += (", " + known->getName()).str();
    return fail("--format: expected one of " + names + ", but got '" +
                formatName + "'");
  }
  if (head != "auto" && head != "full" && head != "screened" &&
      !isHeadPrecision(head))
    return fail("--head: expected auto, full, screened, f16, bf16, int8 or "
                "int4, but got '" +
                head + "'");
  bool tunes = tune.getNumOccurrences() != 0;
  if (!spec.empty() && formatName != "auto")
    return fail("--spec: expected no --format beside it, but got '" +
                formatName + "'");
  if (tunes && !output.empty())
    return fail("--tune: expected no -o beside it, but got '" + output +
                "'; compile with --spec afterwards");
  if (tunes && !spec.empty())
    return fail("--tune: expected no --spec beside it, but got '" + spec + "'");
  CompilerOptions options;
  options.model = model;
  options.emit = emit;
  options.output = output;
  bool isText = stage->suffix != ".o" && stage->suffix != "";
  if (options.output.empty()) {
    if (!isText && !tunes)
      return fail("expected an output file; add -o FILE");
    options.output = "-";
  }
  if (options.output == "-" && !isText && !tunes)
    return fail("-o: expected a file for stage '" + emit + "', but got '-'");
  options.saveTemps = saveTemps;
  options.triple = triple;
  options.cpu = cpu;
  options.features = features;
  options.level = level - '0';
  options.threads = threads;
  options.cacheElement = cacheElement;
  options.quiet = quiet;
  options.libraryPath = libraryPath.empty() ? getDefaultLibraryPath(argv[0])
                                            : libraryPath.getValue();
  options.pipeline.format = formatName;
  options.pipeline.head = head;
  options.pipeline.maxBatch = maxBatch;
  options.pipeline.maxSequences = maxSequences;
  options.pipeline.explain = explain;
  options.pipeline.threads = threads;
  options.spec = spec;
  if (weightCache.empty())
    return fail("--weight-cache: expected a folder or off, but got nothing");
  if (weightCache != "off")
    options.weightCache = weightCache;
  if (tunes) {
    Error error = measure::tuneModel(
        options, tune.empty() ? "bitnetc-spec.json" : tune.getValue(), outs());
    return error ? fail(toString(std::move(error))) : 0;
  }
  if (Error error = compileModel(options))
    return fail(toString(std::move(error)));
  return 0;
}
