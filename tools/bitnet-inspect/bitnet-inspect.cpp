//===- bitnet-inspect.cpp - What the importer sees in a checkpoint --------===//
//
// Prints the configuration and a line per weight, with the statistics of the
// ternary ones. Reads every weight, so it is also the check that a checkpoint
// is sound: exit code 1 and one error if it is not.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Model.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/ProgressBar.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include <cmath>

using namespace llvm;
using namespace bitnetc;

static cl::OptionCategory category("bitnet-inspect options");
static cl::opt<std::string> modelPath(cl::Positional, cl::Required,
                                      cl::desc("MODEL_DIR"), cl::cat(category));
static cl::opt<bool>
    configOnly("config-only", cl::cat(category),
               cl::desc("Check names, types and shapes, but do not read the "
                        "weights"));
static cl::opt<std::string>
    dumpName("dump", cl::value_desc("tensor"), cl::cat(category),
             cl::desc("Print only this ternary matrix, a line per row of '-', "
                      "'0' and '+', after its scale"));

/// Bytes of decoded weights held at a time.
static constexpr int64_t blockBytes = 4 << 20;

static StringRef getName(Activation activation) {
  switch (activation) {
  case Activation::SiLU:
    return "silu";
  case Activation::ReLU2:
    return "relu2";
  }
  llvm_unreachable("all activations handled");
}

static void printConfig(const ModelConfig &c, raw_ostream &os) {
  os << "name          " << c.name << "\nfamily        " << c.family
     << "\nhidden        " << c.hidden << "\nintermediate  " << c.intermediate
     << "\nlayers        " << c.layers << "\nheads         " << c.heads
     << "\nkv-heads      " << c.kvHeads << "\nhead-dim      " << c.headDim
     << "\nvocab         " << c.vocab << "\ncontext       " << c.maxContext
     << "\nnorm-eps      " << format("%g", c.normEps) << "\nrope-theta    "
     << format("%.10g", c.ropeTheta);
  const RopeScaling &r = c.ropeScaling;
  if (r.kind == RopeScaling::Linear)
    os << "\nrope-scaling  linear, factor " << format("%g", r.factor);
  if (r.kind == RopeScaling::Llama3)
    os << "\nrope-scaling  llama3, factor " << format("%g", r.factor)
       << ", low " << format("%g", r.lowFreqFactor) << ", high "
       << format("%g", r.highFreqFactor) << ", context " << r.originalContext;
  os << "\nactivation    " << getName(c.activation) << "\nsub-norms     "
     << (c.subNorms ? "yes" : "no") << "\nlinear-norms  "
     << (c.linearNorms ? "yes" : "no") << "\ntied-head     "
     << (c.tiedHead ? "yes" : "no") << "\nbos           ";
  if (c.bosToken < 0)
    os << "none";
  else
    os << c.bosToken;
  os << "\neos           ";
  interleave(c.eosTokens, os, " ");
  if (c.eosTokens.empty())
    os << "none";
  os << '\n';
}

/// Calls `use(rows)` with the decoded rows of `weight`, block by block.
static Error forEachBlock(const TernaryWeight &weight,
                          function_ref<void(ArrayRef<int8_t>)> use) {
  int64_t step = std::max<int64_t>(1, blockBytes / weight.cols);
  std::vector<int8_t> block(std::min(step, weight.rows) * weight.cols);
  for (int64_t row = 0; row < weight.rows; row += step) {
    int64_t count = std::min(step, weight.rows - row);
    if (Error error = weight.readRows(row, count, block.data()))
      return error;
    use(ArrayRef(block).take_front(count * weight.cols));
  }
  return Error::success();
}

static Error printTernary(const TernaryWeight &weight, raw_ostream &os) {
  Expected<float> scale = weight.scale();
  if (!scale)
    return scale.takeError();
  uint64_t zeros = 0, ones = 0;
  if (Error error = forEachBlock(weight, [&](ArrayRef<int8_t> block) {
        uint64_t blockZeros = 0, blockOnes = 0;
        for (int8_t value : block) {
          blockZeros += value == 0;
          blockOnes += value == 1;
        }
        zeros += blockZeros;
        ones += blockOnes;
      }))
    return error;
  double total = double(weight.rows) * weight.cols;
  os << weight.name << "  ternary [" << weight.rows << ", " << weight.cols
     << "]  scale " << format("%.9g", *scale)
     << format("  zeros %.1f %%, ones %.1f %%\n", 100 * zeros / total,
               100 * ones / total);
  return Error::success();
}

static void printDense(const DenseWeight &weight, raw_ostream &os) {
  os << weight.name << "  " << getDTypeName(weight.dtype) << " [";
  interleave(weight.shape, os, ", ");
  os << "]\n";
}

static Error dump(const TernaryWeight &weight, raw_ostream &os) {
  Expected<float> scale = weight.scale();
  if (!scale)
    return scale.takeError();
  os << format("%.9g\n", *scale);
  return forEachBlock(weight, [&](ArrayRef<int8_t> block) {
    for (; !block.empty(); block = block.drop_front(weight.cols)) {
      for (int8_t value : block.take_front(weight.cols))
        os << "-0+"[value + 1];
      os << '\n';
    }
  });
}

static auto getProjections(const LayerWeights &layer) {
  return std::array<const TernaryWeight *, 7>{
      layer.q.get(),    layer.k.get(),  layer.v.get(),   layer.o.get(),
      layer.gate.get(), layer.up.get(), layer.down.get()};
}

static Error dumpNamed(const Model &model, raw_ostream &os) {
  for (const LayerWeights &layer : model.layers)
    for (const TernaryWeight *weight : getProjections(layer))
      if (weight->name == dumpName)
        return dump(*weight, os);
  return makeFileError(modelPath, "'" + dumpName +
                                      "' is no ternary matrix of "
                                      "this model");
}

static Error inspect(raw_ostream &os) {
  Expected<std::unique_ptr<Model>> opened = openModel(modelPath);
  if (!opened)
    return opened.takeError();
  const Model &model = **opened;
  if (!dumpName.empty())
    return dumpNamed(model, os);
  printConfig(model.config, os);
  os << "tokenizer     "
     << (model.tokenizerPath.empty() ? "none" : model.tokenizerPath) << "\n\n";

  uint64_t ternary = 0, dense = 0;
  auto addDense = [&](const DenseWeight &weight) {
    printDense(weight, os);
    dense += weight.bytes / getDTypeSize(weight.dtype);
  };
  for (const LayerWeights &layer : model.layers)
    for (const TernaryWeight *weight : getProjections(layer))
      ternary += uint64_t(weight->rows) * weight->cols;
  ProgressBar progress(errs(), "reading", ternary);
  addDense(model.embedding);
  for (const LayerWeights &layer : model.layers) {
    for (const auto *norm : {&layer.inputNorm, &layer.postAttentionNorm,
                             &layer.attnSubNorm, &layer.ffnSubNorm})
      if (*norm)
        addDense(**norm);
    for (const auto &entry : layer.linearNorms)
      addDense(entry.second);
    for (const TernaryWeight *weight : getProjections(layer)) {
      if (configOnly) {
        os << weight->name << "  ternary [" << weight->rows << ", "
           << weight->cols << "]\n";
        continue;
      }
      if (Error error = printTernary(*weight, os))
        return error;
      progress.advance(uint64_t(weight->rows) * weight->cols);
    }
  }
  addDense(model.finalNorm);
  if (!model.config.tiedHead)
    addDense(model.head);
  os << "\nparameters    " << ternary + dense << " (" << ternary
     << " ternary)\n";
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "prints and checks a Hugging Face checkpoint of a ternary model\n");
  if (Error error = inspect(outs())) {
    // The report printed so far stands before the error.
    outs().flush();
    errs() << "bitnet-inspect: error: " << toString(std::move(error)) << '\n';
    return 1;
  }
  return 0;
}
