//===- bitnet-gen.cpp - Hugging Face checkpoints with random weights ------===//
//
// Makes models of any shape for tests and benchmarks, so that neither needs a
// download. Their text is noise; their speed is that of a real model.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "CheckpointWriter.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/ProgressBar.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;
using namespace bitnetc;
using namespace bitnetc::gen;

static cl::OptionCategory category("bitnet-gen options");
static cl::opt<std::string>
    outputPath(cl::Positional, cl::desc("OUTPUT_DIRECTORY"), cl::cat(category));
static cl::opt<bool> list("list", cl::cat(category),
                          cl::desc("Print the named layouts and exit"));
static cl::opt<std::string>
    layoutName("layout", cl::value_desc("name"), cl::cat(category),
               cl::desc("A named layout (see --list) that the other flags "
                        "change; default: 125M"),
               cl::init("125M"));
static cl::opt<Family> family(
    "family", cl::cat(category), cl::desc("Architecture:"),
    cl::values(clEnumValN(Family::BitNet, "bitnet",
                          "Microsoft BitNetForCausalLM: sub-norms, relu2"),
               clEnumValN(Family::OneBitLLM, "1bitllm",
                          "1bitLLM BitnetForCausalLM: sub-norms, silu, "
                          "masters only"),
               clEnumValN(Family::Llama, "llama",
                          "LlamaForCausalLM with quant_method bitnet")));

namespace {
/// A flag for one size of the layout.
struct SizeFlag : cl::opt<int64_t> {
  SizeFlag(StringRef name, StringRef description)
      : cl::opt<int64_t>(name, cl::value_desc("n"), cl::cat(category),
                         cl::desc(description)) {}
  void apply(int64_t &size) const {
    if (getNumOccurrences() > 0)
      size = getValue();
  }
};
} // namespace

static SizeFlag hidden("hidden", "Width of the residual stream");
static SizeFlag intermediate("intermediate", "Width of the feed-forward block");
static SizeFlag layers("layers", "Number of layers");
static SizeFlag heads("heads", "Number of query heads");
static SizeFlag kvHeads("kv-heads",
                        "Number of key and value heads; default: --heads, if "
                        "that is given");
static SizeFlag headDim("head-dim",
                        "Size of a head; default: hidden / heads, if one of "
                        "them is given");
static SizeFlag vocab("vocab", "Number of tokens, at least 258");
static SizeFlag context("context", "Longest context");
static cl::opt<FloatType>
    dtype("dtype", cl::cat(category),
          cl::desc("Type of all numbers but codes:"),
          cl::values(clEnumValN(FloatType::BF16, "bf16", "brain float"),
                     clEnumValN(FloatType::F16, "f16", "half precision"),
                     clEnumValN(FloatType::F32, "f32", "single precision")));
static cl::opt<bool> packed("packed", cl::cat(category),
                            cl::desc("Weights as 2-bit codes"));
static cl::opt<bool>
    masters("masters", cl::cat(category),
            cl::desc("Weights as numbers that are made ternary at import"));
static cl::opt<bool>
    tied("tied", cl::cat(category),
         cl::desc("Use the embedding as the head; --tied=false stores a head"));
static cl::opt<uint64_t> seed("seed", cl::value_desc("n"), cl::cat(category),
                              cl::desc("Seed of all random numbers"),
                              cl::init(1));
static cl::opt<std::string>
    shardSize("shard-size", cl::value_desc("size"), cl::cat(category),
              cl::desc("Largest weight file, as 500kB, 20MB or 5GB; default: "
                       "5GB"),
              cl::init("5GB"));

static StringRef getName(Family family) {
  return family == Family::BitNet      ? "bitnet"
         : family == Family::OneBitLLM ? "1bitllm"
                                       : "llama";
}

static void printLayouts(raw_ostream &os) {
  os << "layout     family   weights  hidden  intermediate  layers  heads  "
        "kv-heads   vocab  parameters  on disk\n";
  for (const Layout &layout : getNamedLayouts()) {
    uint64_t bytes = 0;
    for (const TensorPlan &tensor : planTensors(layout))
      bytes += tensor.bytes;
    os << formatv("{0,-9}  {1,-7}  {2,-7}  {3,6}  {4,12}  {5,6}  {6,5}  {7,8}  "
                  "{8,6}  {9,9:f3}B  {10,8}\n",
                  layout.name, getName(layout.family),
                  layout.packed ? "packed" : "masters", layout.hidden,
                  layout.intermediate, layout.layers, layout.heads,
                  layout.kvHeads, layout.vocab,
                  countParameters(layout).total / 1e9, formatBytes(bytes));
  }
}

/// "20MB" in bytes.
static Expected<uint64_t> parseSize(StringRef text) {
  StringRef number = text.rtrim("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ");
  std::string unit = text.drop_front(number.size()).upper();
  uint64_t factor = unit == "" || unit == "B" ? 1
                    : unit == "KB"            ? 1000
                    : unit == "MB"            ? 1000 * 1000
                    : unit == "GB"            ? 1000 * 1000 * 1000
                                              : 0;
  uint64_t value = 0;
  if (factor == 0 || number.getAsInteger(10, value) || value == 0 ||
      value > UINT64_MAX / factor)
    return makeError("--shard-size: expected a size as 500kB, 20MB or 5GB, but "
                     "got '" +
                     text + "'");
  return value * factor;
}

static Expected<Layout> chooseLayout() {
  const Layout *named = findLayout(layoutName);
  if (!named)
    return makeError("--layout: '" + layoutName +
                     "' is not known; --list prints all names");
  Layout layout = *named;
  if (family.getNumOccurrences()) {
    layout.family = family;
    if (layout.family == Family::OneBitLLM)
      layout.packed = packed;
  }
  hidden.apply(layout.hidden);
  intermediate.apply(layout.intermediate);
  layers.apply(layout.layers);
  heads.apply(layout.heads);
  if (heads.getNumOccurrences())
    layout.kvHeads = layout.heads;
  kvHeads.apply(layout.kvHeads);
  if (headDim.getNumOccurrences()) {
    headDim.apply(layout.headDim);
  } else if (hidden.getNumOccurrences() || heads.getNumOccurrences()) {
    if (layout.heads < 1 || layout.hidden % layout.heads != 0)
      return makeError("--head-dim: expected it to be given, because --hidden "
                       "is no multiple of --heads");
    layout.headDim = layout.hidden / layout.heads;
  }
  vocab.apply(layout.vocab);
  context.apply(layout.context);
  if (dtype.getNumOccurrences())
    layout.dtype = dtype;
  if (packed && masters)
    return makeError("--packed and --masters exclude each other");
  if (packed || masters)
    layout.packed = packed;
  if (tied.getNumOccurrences())
    layout.tied = tied;
  layout.seed = seed;
  Expected<uint64_t> size = parseSize(shardSize);
  if (!size)
    return size.takeError();
  layout.shardBytes = *size;
  if (Error error = checkLayout(layout))
    return std::move(error);
  return layout;
}

/// "2.413 billion", or the exact number below a million.
static std::string formatParameters(uint64_t count) {
  if (count >= 1'000'000'000)
    return formatv("{0:f3} billion", count / 1e9);
  if (count >= 1'000'000)
    return formatv("{0:f1} million", count / 1e6);
  return std::to_string(count);
}

static Error generate() {
  if (outputPath.empty())
    return makeError("expected the directory to make; see --help");
  Expected<Layout> layout = chooseLayout();
  if (!layout)
    return layout.takeError();
  Expected<WriteResult> result = writeCheckpoint(*layout, outputPath);
  if (!result)
    return result.takeError();
  outs() << outputPath << ": "
         << formatParameters(countParameters(*layout).total) << " parameters, "
         << formatBytes(result->bytes) << " in " << result->shards
         << (result->shards == 1 ? " file\n" : " files\n");
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "makes Hugging Face checkpoints with random ternary weights\n\n"
      "  bitnet-gen --layout=2B-4T models/2B      a named shape\n"
      "  bitnet-gen --family=llama --hidden=256 --intermediate=512 --layers=2 "
      "--heads=4 --vocab=512 models/tiny\n");
  if (list) {
    printLayouts(outs());
    return 0;
  }
  if (Error error = generate()) {
    errs() << "bitnet-gen: error: " << toString(std::move(error)) << '\n';
    return 1;
  }
  return 0;
}
