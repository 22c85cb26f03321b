//===- Compiler.cpp - A model directory in, an executable out -------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Pipeline/Compiler.h"
#include "bitnetc/Codegen/Codegen.h"
#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Import/BuildModule.h"
#include "bitnetc/Import/Tokenizer.h"
#include "bitnetc/Link/Link.h"
#include "bitnetc/Link/WeightWriter.h"
#include "bitnetc/Pipeline/Spec.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/ProgressBar.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <chrono>
#include <list>

using namespace bitnetc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Size of a weight cache: about ten models of 8 billion weights.
static constexpr uint64_t kMostCacheBytes = 20'000'000'000;

namespace {

/// One compilation.
class Compiler {
public:
  explicit Compiler(const CompilerOptions &options)
      : options(options), pipeline(options.pipeline), context(makeRegistry()) {}

  Error run();
  Expected<ModelMatrices> listMatrices();

private:
  static mlir::DialectRegistry makeRegistry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  Error importModule();
  Error obeySpec();
  Error runPasses(const Stage &stage);
  Error checkOutput();
  Error writeText(llvm::function_ref<void(llvm::raw_ostream &)> print);
  Error emitCode();
  Error writeExecutable(StringRef object);
  Error saveTemporary(const Stage &stage,
                      llvm::function_ref<void(llvm::raw_ostream &)> print);
  void describeHead();
  std::string describeModel();
  void step(const llvm::Twine &text) {
    if (!options.quiet)
      llvm::errs() << llvm::formatv("[{0,5:f1} s] {1}\n", elapsed(),
                                    text.str());
  }
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  }

  const CompilerOptions &options;
  PipelineOptions pipeline;
  std::optional<Spec> spec;
  mlir::MLIRContext context;
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
  TargetInfo target;
  std::unique_ptr<Model> model;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<PlannedWeight> weights;
  std::vector<char> tokenizer;
  /// Of the head: what it is, and the bytes of tables of which a single token
  /// reads some rows only.
  std::string head;
  uint64_t rowTableBytes = 0;
};

/// Stages are numbered in steps of ten, so that files sort in their order.
unsigned getStageNumber(const Stage &stage) {
  return 10 * (&stage - getStages().data());
}

Error Compiler::run() {
  const Stage *last = findStage(options.emit);
  if (!last)
    return makeError("--emit: unknown stage '" + options.emit + "'");
  if (Error error = checkOutput())
    return error;
  if (Error error = importModule())
    return error;
  if (last->name == "exe") {
    if (model->tokenizerPath.empty())
      return makeFileError(options.model,
                           "tokenizer: expected 'tokenizer.json', "
                           "but there is none; add the "
                           "model's tokenizer file");
    auto blob = importTokenizer(model->tokenizerPath, model->config.eosTokens,
                                model->config.bosToken, model->config.vocab);
    if (!blob)
      return blob.takeError();
    tokenizer = std::move(*blob);
  }
  for (const Stage &stage : getStages()) {
    if (!stage.build)
      return emitCode();
    if (stage.name == "llvm")
      module.get()->setAttr("bitnet.info",
                            mlir::StringAttr::get(&context, describeModel()));
    if (Error error = runPasses(stage))
      return error;
    if (stage.name == "bitnet") {
      if (spec)
        if (Error error = obeySpec())
          return error;
      describeHead();
    }
    if (stage.name == "tiled")
      weights = collectWeights(*module);
    if (&stage == last)
      return writeText([&](llvm::raw_ostream &os) { module->print(os); });
  }
  return Error::success();
}

/// The module at the start of stage `bitnet`.
Error Compiler::importModule() {
  auto resolved = resolveTarget(options.triple, options.cpu, options.features);
  if (!resolved)
    return resolved.takeError();
  target = std::move(*resolved);
  if (!options.spec.empty()) {
    auto read = readSpec(options.spec, target);
    if (!read)
      return read.takeError();
    spec = std::move(*read);
  }
  step("importing " + options.model);
  auto opened = openModel(options.model);
  if (!opened)
    return opened.takeError();
  model = std::move(*opened);
  module = buildModule(*model, context, options.cacheElement);
  setTarget(*module, target);
  module.get()->setAttr(
      "bitnet.threads",
      mlir::Builder(&context).getI64IntegerAttr(options.threads));
  return Error::success();
}

ModelMatrices getMatrices(mlir::ModuleOp module, const TargetInfo &target) {
  ModelMatrices matrices;
  matrices.target = target;
  for (auto weight : module.getOps<bitnet::WeightOp>()) {
    auto type = mlir::dyn_cast<mlir::RankedTensorType>(weight.getType());
    if (!type || !type.getElementType().isInteger(2)) {
      matrices.otherBytes += weight.getSizeInBytes();
      continue;
    }
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
    auto known = llvm::find_if(matrices.shapes, [&](const auto &shape) {
      return shape.rows == rows && shape.columns == columns;
    });
    if (known == matrices.shapes.end())
      matrices.shapes.push_back({rows, columns, 1});
    else
      ++known->count;
  }
  return matrices;
}

Expected<ModelMatrices> Compiler::listMatrices() {
  if (Error error = importModule())
    return std::move(error);
  if (Error error = runPasses(*findStage("bitnet")))
    return std::move(error);
  return getMatrices(*module, target);
}

/// Makes the choices of --spec options of the passes.
Error Compiler::obeySpec() {
  for (const MatrixCount &shape : getMatrices(*module, target).shapes) {
    const SpecMatrix *choice = spec->find(shape.rows, shape.columns);
    if (!choice)
      return makeFileError(
          options.spec,
          llvm::formatv("expected a format for matrices of {0} x {1}, but got "
                        "none; run bitnetc --tune on this model",
                        shape.rows, shape.columns)
              .str());
    pipeline.choices.push_back(llvm::formatv("{0}x{1}={2}", shape.rows,
                                             shape.columns, choice->format));
  }
  return Error::success();
}

Error Compiler::runPasses(const Stage &stage) {
  step("stage " + stage.name + ": " + stage.summary);
  mlir::PassManager passes(&context);
  stage.build(passes, pipeline);
  std::string messages;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
            messages.empty())
          messages = diagnostic.str();
        return mlir::success();
      });
  if (mlir::failed(passes.run(*module)))
    return makeError("stage " + stage.name + ": " + messages);
  return saveTemporary(stage,
                       [&](llvm::raw_ostream &os) { module->print(os); });
}

Error Compiler::saveTemporary(
    const Stage &stage, llvm::function_ref<void(llvm::raw_ostream &)> print) {
  if (options.saveTemps.empty())
    return Error::success();
  if (std::error_code error =
          llvm::sys::fs::create_directories(options.saveTemps))
    return makeFileError(options.saveTemps, error.message());
  llvm::SmallString<128> path(options.saveTemps);
  llvm::sys::path::append(path,
                          llvm::formatv("{0,0+2}-{1}{2}", getStageNumber(stage),
                                        stage.name, stage.suffix)
                              .str());
  auto file = PendingFile::create(path, /*executable=*/false);
  if (!file)
    return file.takeError();
  print((*file)->os());
  return (*file)->commit();
}

/// Finds out that there is no way to write before the model is compiled, which
/// may take minutes.
Error Compiler::checkOutput() {
  if (options.output == "-")
    return Error::success();
  auto file = PendingFile::create(options.output, /*executable=*/false);
  return file ? Error::success() : file.takeError();
}

/// Writes the result of a stage that is text, or an object.
Error Compiler::writeText(llvm::function_ref<void(llvm::raw_ostream &)> print) {
  if (options.output == "-") {
    print(llvm::outs());
    llvm::outs().flush();
    std::error_code error = llvm::outs().error();
    llvm::outs().clear_error();
    return error
               ? makeError("standard output: cannot write: " + error.message())
               : Error::success();
  }
  auto file = PendingFile::create(options.output, /*executable=*/false);
  if (!file)
    return file.takeError();
  print((*file)->os());
  return (*file)->commit();
}

/// The stages after the passes: LLVM IR, assembly, object, executable.
Error Compiler::emitCode() {
  step("generating code for " + target.cpu);
  llvm::LLVMContext llvmContext;
  auto ir = emitLLVMIR(*module, target, options.level, llvmContext);
  if (!ir)
    return ir.takeError();
  if (Error error = saveTemporary(*findStage("ir"), [&](llvm::raw_ostream &os) {
        (*ir)->print(os, nullptr);
      }))
    return error;
  llvm::SmallString<0> code;
  llvm::raw_svector_ostream os(code);
  if (options.emit == "ir") {
    (*ir)->print(os, nullptr);
  } else {
    if (!options.saveTemps.empty() || options.emit == "asm") {
      auto clone = llvm::CloneModule(**ir);
      llvm::SmallString<0> text;
      llvm::raw_svector_ostream textOs(text);
      if (Error error = emitMachineCode(*clone, target, options.level,
                                        /*assembly=*/true, textOs))
        return error;
      if (Error error = saveTemporary(
              *findStage("asm"), [&](llvm::raw_ostream &os) { os << text; }))
        return error;
      if (options.emit == "asm")
        os << text;
    }
    if (options.emit != "asm")
      if (Error error = emitMachineCode(**ir, target, options.level,
                                        /*assembly=*/false, os))
        return error;
  }
  if (options.emit == "exe")
    return writeExecutable(code);
  return writeText([&](llvm::raw_ostream &os) { os << code; });
}

Error Compiler::writeExecutable(StringRef object) {
  uint64_t total =
      weights.empty() ? 0 : weights.back().offset + weights.back().bytes;
  step("packing " + formatBytes(total) + " of weights");
  std::unique_ptr<WeightCache> cache;
  if (!options.weightCache.empty()) {
    auto opened = WeightCache::open(options.weightCache, kMostCacheBytes);
    if (!opened)
      return opened.takeError();
    cache = std::move(*opened);
  }
  {
    ProgressBar bar(llvm::errs(), "packing", options.quiet ? 0 : total);
    LinkInput input;
    input.object = object;
    input.tokenizer = StringRef(tokenizer.data(), tokenizer.size());
    auto write = [&](llvm::raw_ostream &os) {
      return writeWeights(
          *model, weights, os, [&](uint64_t bytes) { bar.advance(bytes); },
          cache.get());
    };
    input.writeWeights = write;
    if (Error error =
            linkExecutable(input, target, options.libraryPath, options.output))
      return error;
  }
  if (cache)
    step(llvm::formatv("weight cache: {0} found, {1} added, {2} damaged",
                       cache->found, cache->made, cache->damaged)
             .str());
  step("wrote " + options.output);
  return Error::success();
}

/// Finds out how single tokens read the tables, while operations still say it.
void Compiler::describeHead() {
  auto decode = module->lookupSymbol<mlir::func::FuncOp>("decode_top");
  bool isScreened = decode != nullptr, isOther = false;
  if (!decode)
    decode = module->lookupSymbol<mlir::func::FuncOp>("decode");
  const std::string &precision = options.pipeline.head;
  // A tied embedding has two references, of which one may read all of it.
  llvm::SetVector<bitnet::WeightOp> heads, tables;
  decode.walk([&](bitnet::WeightRefOp ref) {
    auto weight = module->lookupSymbol<bitnet::WeightOp>(ref.getWeightAttr());
    for (mlir::Operation *user : ref->getUsers())
      if (mlir::isa<bitnet::ScreenHeadOp, bitnet::IntegerHeadOp,
                    bitnet::LMHeadOp>(user))
        heads.insert(weight);
      else if (mlir::isa<bitnet::EmbeddingOp, bitnet::RescoreHeadOp>(user))
        tables.insert(weight);
  });
  uint64_t readBytes = 0;
  for (bitnet::WeightOp weight : heads) {
    readBytes += weight.getSizeInBytes();
    isOther |= weight.getSymName().contains("." + precision);
  }
  for (bitnet::WeightOp weight : tables)
    if (!heads.contains(weight))
      rowTableBytes += weight.getSizeInBytes();
  std::string size = formatBytes(readBytes);
  if (isScreened)
    head = "screened by an int8 copy of " + size + ", without other tokens";
  else if (isOther)
    head = "stored as " + precision + ", " + size + ", " +
           (model->config.tiedHead ? "beside the embedding"
                                   : "instead of the model's") +
           ": other logits than the model's";
  else
    head = "as the model has it, " + size;
  if (options.pipeline.explain)
    llvm::errs() << "head: " << head << "\n";
}

/// The text of the executable's --info.
std::string Compiler::describeModel() {
  const ModelConfig &config = model->config;
  std::string text;
  llvm::raw_string_ostream os(text);
  auto row = [&](StringRef key, const std::string &value) {
    os << llvm::formatv("{0,-12} {1}\n", key, value);
  };
  row("family", config.family);
  row("layers", std::to_string(config.layers));
  row("hidden", llvm::formatv("{0}, feed-forward {1}, {2} heads of {3}, {4} "
                              "key-value heads",
                              config.hidden, config.intermediate, config.heads,
                              config.headDim, config.kvHeads)
                    .str());
  row("vocabulary", llvm::formatv("{0}{1}", config.vocab,
                                  config.tiedHead ? ", tied head" : "")
                        .str());
  row("head", head);
  row("context", std::to_string(config.maxContext));
  struct Sum {
    uint64_t elements = 0, bytes = 0;
  };
  llvm::MapVector<StringRef, Sum> formats;
  std::list<std::string> names;
  for (const PlannedWeight &weight : weights) {
    StringRef name;
    uint64_t elements;
    if (auto packed = mlir::dyn_cast<ternary::PackedType>(weight.type)) {
      name = packed.getFormat().getFormatName();
      elements = packed.getN() * packed.getK();
    } else {
      auto tensor = mlir::cast<mlir::RankedTensorType>(weight.type);
      std::string element;
      llvm::raw_string_ostream(element) << tensor.getElementType();
      names.push_back(element);
      name = names.back();
      elements = tensor.getNumElements();
    }
    formats[name].elements += elements;
    formats[name].bytes += weight.bytes;
  }
  for (auto &[name, sum] : formats)
    row("weights", llvm::formatv("{0,-6} {1} weights, {2}, {3:f3} bits each",
                                 name, sum.elements, formatBytes(sum.bytes),
                                 8.0 * sum.bytes / sum.elements)
                       .str());
  uint64_t total = 0;
  for (const PlannedWeight &weight : weights)
    total += weight.bytes;
  row("token", "reads " + std::to_string(total - rowTableBytes) +
                   " bytes of weights, not the tables that it looks rows up "
                   "in");
  return text;
}

} // namespace

Error bitnetc::compileModel(const CompilerOptions &options) {
  return Compiler(options).run();
}

Expected<ModelMatrices> bitnetc::listMatrices(const CompilerOptions &options) {
  return Compiler(options).listMatrices();
}
