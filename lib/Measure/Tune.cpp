//===- Tune.cpp - Choose formats by measuring them ------------------------===//
//
// The candidates of one shape are measured in turns, so that a neighbour who
// takes the machine for a second takes it from all of them. What counts is the
// fastest tenth of the samples: neighbours only ever add to a time.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Measure/Tune.h"
#include "bitnetc/Formats/CostModel.h"
#include "bitnetc/Link/Link.h"
#include "bitnetc/Measure/Case.h"
#include "bitnetc/Pipeline/Spec.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace bitnetc;
using namespace bitnetc::measure;
using llvm::Error;

/// Rounds, and seconds of each case in a round.
static constexpr unsigned kRounds = 5;
static constexpr double kSeconds = 0.04;
/// Copies of a matrix take no more: no last-level cache keeps so much.
static constexpr double kMostBytes = 256e6;

namespace {

/// One format in one phase.
struct Measured {
  PredictedTime predicted;
  std::unique_ptr<Case> product;
  double microseconds = 0;
  double getError() const {
    return 100 * (predicted.total() - microseconds) / microseconds;
  }
};

/// One format for one shape.
struct Candidate {
  ternary::PackedType type;
  std::unique_ptr<Matrix> matrix;
  std::vector<Measured> phases{};
  double score = 0; // weighted microseconds per token
};

class Tuner {
public:
  Tuner(const CompilerOptions &options, llvm::raw_ostream &os)
      : options(options), os(os) {
    context.loadDialect<ternary::TernaryDialect>();
  }
  llvm::Expected<Spec> run();

  ModelMatrices model;

private:
  llvm::Expected<SpecMatrix> tune(const MatrixCount &shape);
  llvm::Expected<Candidate> compile(ternary::PackedType type);
  ternary::PackedType getPacked(const MatrixCount &shape,
                                const PackingFormat &format) {
    return ternary::PackedType::get(&context, shape.rows, shape.columns,
                                    format.getAttr(&context));
  }
  int64_t getTokens(const Phase &phase) const {
    return phase.getTokens(options.pipeline.maxBatch);
  }
  void printHeader();
  void print(const MatrixCount &shape, llvm::ArrayRef<Candidate> candidates,
             const Candidate &best);
  void printErrors();

  const CompilerOptions &options;
  llvm::raw_ostream &os;
  mlir::MLIRContext context;
  std::unique_ptr<Threads> team;
  std::vector<std::vector<double>> errors; // percent, of each phase
};

} // namespace

llvm::Expected<Candidate> Tuner::compile(ternary::PackedType type) {
  const PackingFormat &format = getFormat(type.getFormat());
  double footprint =
      getFootprint(&context, model.shapes, model.otherBytes, format);
  Candidate candidate{
      type,
      std::make_unique<Matrix>(type.getN(), type.getK(), format.getName().str(),
                               std::min(footprint, kMostBytes))};
  for (const Phase &phase : getPhases()) {
    Measured measured;
    measured.predicted = predictProduct(
        type, model.target, {getTokens(phase), team->size(), footprint});
    auto product =
        Case::create(*candidate.matrix, getTokens(phase), *team, model.target);
    if (!product)
      return product.takeError();
    measured.product = std::move(*product);
    candidate.phases.push_back(std::move(measured));
  }
  return std::move(candidate);
}

llvm::Expected<SpecMatrix> Tuner::tune(const MatrixCount &shape) {
  std::vector<Candidate> candidates;
  for (const PackingFormat *format : allFormats()) {
    ternary::PackedType type = getPacked(shape, *format);
    if (getUnsupportedReason(type, model.target))
      continue;
    if (!options.quiet)
      llvm::errs() << llvm::formatv("measuring {0} x {1}, {2}\n", shape.rows,
                                    shape.columns, format->getName());
    auto candidate = compile(type);
    if (!candidate)
      return candidate.takeError();
    candidates.push_back(std::move(*candidate));
  }
  if (candidates.empty())
    return makeError(llvm::formatv("{0} x {1}: expected a packing format that "
                                   "holds this matrix, but got none",
                                   shape.rows, shape.columns)
                         .str());
  for (unsigned round = 0; round < kRounds; ++round)
    for (Candidate &candidate : candidates)
      for (Measured &measured : candidate.phases)
        measured.product->measure(kSeconds);
  SpecMatrix result{shape.rows, shape.columns, "", {}};
  const Candidate *best = nullptr;
  for (Candidate &candidate : candidates) {
    SpecMatrix::Times times{candidate.matrix->format, {}};
    for (auto [i, phase] : llvm::enumerate(getPhases())) {
      Measured &measured = candidate.phases[i];
      measured.microseconds =
          1e6 * percentile(measured.product->getSamples(), 0.1);
      candidate.score +=
          phase.weight * measured.microseconds / getTokens(phase);
      errors[i].push_back(std::abs(measured.getError()));
      times.microseconds.emplace_back(phase.name.str(), measured.microseconds);
    }
    result.measured.push_back(std::move(times));
    if (!best || candidate.score < best->score)
      best = &candidate;
  }
  result.format = best->matrix->format;
  print(shape, candidates, *best);
  return result;
}

void Tuner::printHeader() {
  os << llvm::formatv("measured microseconds, and by how many percent the "
                      "prediction is off; {0}, {1}\n{2,-16} {3,-8}",
                      model.target.cpu, describeThreads(team->size()), "matrix",
                      "format");
  for (const Phase &phase : getPhases()) {
    std::string name =
        phase.name.str() + " M=" + std::to_string(getTokens(phase));
    os << llvm::formatv(" {0,17}", name);
  }
  os << llvm::formatv(" {0,11}\n", "per token");
}

void Tuner::print(const MatrixCount &shape,
                  llvm::ArrayRef<Candidate> candidates, const Candidate &best) {
  std::string name = llvm::formatv("{0}x{1}", shape.rows, shape.columns);
  for (const Candidate &candidate : candidates) {
    os << llvm::formatv("{0,-16} {1,-8}", name, candidate.matrix->format);
    for (const Measured &measured : candidate.phases)
      os << llvm::formatv(" {0,10:f1} {1,5:f0}%", measured.microseconds,
                          measured.getError());
    os << llvm::formatv(" {0,11:f1}{1}\n", candidate.score,
                        &candidate == &best ? "  <- chosen" : "");
    name.clear();
  }
  os.flush();
}

void Tuner::printErrors() {
  os << "mean absolute prediction error:";
  for (auto [phase, values] : llvm::zip(getPhases(), errors)) {
    double sum = 0;
    for (double value : values)
      sum += value;
    os << llvm::formatv(" {0} {1:f1}%", phase.name, sum / values.size());
  }
  os << "\n";
}

llvm::Expected<Spec> Tuner::run() {
  auto listed = listMatrices(options);
  if (!listed)
    return listed.takeError();
  model = std::move(*listed);
  if (model.shapes.empty())
    return makeFileError(options.model,
                         "expected ternary matrices to measure, but got none");
  auto here = resolveTarget("", "native", "");
  if (!here)
    return here.takeError();
  if (here->arch != model.target.arch)
    return makeError("--tune: expected a target that runs here, but got '" +
                     model.target.triple + "'");
  if (Error error = prepareMachine(model.target.getRuntimeFeatureBits()))
    return std::move(error);
  auto started =
      Threads::start(options.threads ? options.threads : defaultThreads());
  if (!started)
    return started.takeError();
  team = std::move(*started);
  errors.resize(getPhases().size());
  printHeader();
  Spec spec;
  spec.threads = team->size();
  for (const MatrixCount &shape : model.shapes) {
    auto matrix = tune(shape);
    if (!matrix)
      return matrix.takeError();
    spec.matrices.push_back(std::move(*matrix));
  }
  printErrors();
  return spec;
}

Error measure::tuneModel(const CompilerOptions &options, llvm::StringRef file,
                         llvm::raw_ostream &os) {
  // Measuring takes minutes: before it, whether the file can be written.
  auto pending = PendingFile::create(file, /*executable=*/false);
  if (!pending)
    return pending.takeError();
  pending->reset();
  Tuner tuner(options, os);
  auto spec = tuner.run();
  if (!spec)
    return spec.takeError();
  if (Error error = writeSpec(*spec, tuner.model.target, file))
    return error;
  os << "wrote " << file << "\n";
  return Error::success();
}
