//===- SelectFormat.cpp - Choose the packing format of every matrix -------===//
//
// The format with the least predicted time (bitnetc/Formats/CostModel.h), over
// all phases by their weights; or the one that the user, or a measurement on
// the machine (`bitnetc --tune`), has chosen.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/CostModel.h"
#include "bitnetc/Support/ProgressBar.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYSELECTFORMAT
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;
using ternary::PackedType;

namespace {

/// One format for one shape of matrix.
struct Candidate {
  const PackingFormat *format;
  PackedType type;
  std::string unsupported;          // why not, or empty
  SmallVector<PredictedTime> times; // of each phase; none if unsupported
  double score = 0;                 // weighted microseconds per token
};

/// All matrices of one shape; they get one format, so that layers share code.
struct ShapeChoice {
  int64_t matrices = 0;
  SmallVector<Candidate> candidates;
  const Candidate *best = nullptr;
};

struct TernarySelectFormatPass
    : bitnetc::impl::TernarySelectFormatBase<TernarySelectFormatPass> {
  using TernarySelectFormatBase::TernarySelectFormatBase;

  void runOnOperation() override {
    FailureOr<TargetInfo> found = getTarget(getOperation());
    if (failed(found) || failed(checkOptions(*found)))
      return signalPassFailure();
    target = *found;
    shapes.clear(); // of another module, perhaps for another target
    SmallVector<ternary::MatmulOp> products;
    getOperation().walk([&](ternary::MatmulOp op) {
      if (isa<RankedTensorType>(op.getWeights().getType()))
        products.push_back(op);
    });
    if (products.empty())
      return;
    collect(products);
    for (auto &[matrix, shape] : shapes) {
      addCandidates(matrix, shape);
      choose(matrix, shape);
    }
    if (explain)
      print();
    for (ternary::MatmulOp op : products)
      if (failed(pack(op)))
        return signalPassFailure();
  }

  /// `format` and the values of `choices` name formats that the target runs.
  LogicalResult checkOptions(const TargetInfo &target) {
    auto check = [&](StringRef name) -> LogicalResult {
      const PackingFormat *wanted = findFormat(name);
      if (!wanted) {
        auto error = getOperation().emitError("expected a packing format (");
        for (const PackingFormat *known : allFormats())
          error << known->getName() << ", ";
        return error << "auto), but got '" << name << "'";
      }
      if (auto reason = wanted->getUnsupportedReason(target))
        return getOperation().emitError("format '") << name << "': " << *reason;
      return success();
    };
    if (threads < 1)
      return getOperation().emitError("expected at least 1 thread, but got ")
             << threads.getValue();
    if (format != "auto" && failed(check(format)))
      return failure();
    chosen.clear();
    for (StringRef choice : choices) {
      auto [shape, name] = choice.split('=');
      if (name.empty())
        return getOperation().emitError(
                   "expected a choice ROWSxCOLUMNS=FORMAT, but got '")
               << choice << "'";
      if (failed(check(name)))
        return failure();
      chosen[shape] = name.str();
    }
    return success();
  }

  /// Counts the weights of each shape and the bytes of all others, and finds
  /// the size of a prefill call.
  void collect(ArrayRef<ternary::MatmulOp> products) {
    llvm::DenseSet<const void *> seen;
    maxTokens = 1;
    for (ternary::MatmulOp op : products) {
      Value weights = op.getWeights();
      const void *identity = weights.getAsOpaquePointer();
      if (auto ref = weights.getDefiningOp<bitnet::WeightRefOp>())
        identity = ref.getWeightAttr().getAttr().getAsOpaquePointer();
      if (seen.insert(identity).second)
        ++shapes[cast<RankedTensorType>(weights.getType())].matrices;
      if (auto function = op->getParentOfType<func::FuncOp>())
        if (auto most =
                function->getAttrOfType<IntegerAttr>("bitnet.max_tokens"))
          maxTokens = std::max(maxTokens, most.getInt());
    }
    counts.clear();
    for (auto &[matrix, shape] : shapes)
      counts.push_back(
          {matrix.getDimSize(0), matrix.getDimSize(1), shape.matrices});
    otherBytes = 0;
    for (auto weight : getOperation().getOps<bitnet::WeightOp>())
      if (!seen.contains(weight.getSymNameAttr().getAsOpaquePointer()))
        otherBytes += weight.getSizeInBytes();
  }

  PackedType getPacked(RankedTensorType matrix, const PackingFormat &format) {
    return PackedType::get(&getContext(), matrix.getDimSize(0),
                           matrix.getDimSize(1), format.getAttr(&getContext()));
  }

  double getFootprint(const PackingFormat &format) {
    return bitnetc::getFootprint(&getContext(), counts, otherBytes, format);
  }

  void addCandidates(RankedTensorType matrix, ShapeChoice &shape) {
    for (const PackingFormat *format : allFormats()) {
      Candidate candidate{format, getPacked(matrix, *format), "", {}};
      if (auto reason = getUnsupportedReason(candidate.type, target))
        candidate.unsupported = *reason;
      else
        for (const Phase &phase : getPhases()) {
          Workload load{phase.getTokens(maxTokens), unsigned(threads),
                        getFootprint(*format)};
          candidate.times.push_back(
              predictProduct(candidate.type, target, load));
          candidate.score += phase.weight * candidate.times.back().total() /
                             double(load.tokens);
        }
      shape.candidates.push_back(std::move(candidate));
    }
  }

  void choose(RankedTensorType matrix, ShapeChoice &shape) {
    std::string wanted = format;
    if (auto known = chosen.find(getName(matrix)); known != chosen.end())
      wanted = known->second;
    for (const Candidate &candidate : shape.candidates)
      if (candidate.unsupported.empty() &&
          (wanted == "auto" || candidate.format->getName() == wanted) &&
          (!shape.best || candidate.score < shape.best->score))
        shape.best = &candidate;
  }

  static std::string getName(RankedTensorType matrix) {
    return std::to_string(matrix.getDimSize(0)) + "x" +
           std::to_string(matrix.getDimSize(1));
  }

  LogicalResult pack(ternary::MatmulOp op) {
    auto matrix = cast<RankedTensorType>(op.getWeights().getType());
    const ShapeChoice &shape = shapes[matrix];
    if (!shape.best)
      return refuse(op, shape);
    if (!shape.best->times.empty())
      remark::passed(op.getLoc(),
                     remark::RemarkOpts::name("format").category(getArgument()))
          << ("format " + shape.best->format->getName() + ": bound by " +
              (shape.best->times.front().isBoundByMemory() ? "memory"
                                                           : "its inner loop"))
                 .str();
    OpBuilder builder(op);
    op.getWeightsMutable().assign(ternary::PackOp::create(
        builder, op.getLoc(), shape.best->type, op.getWeights()));
    return success();
  }

  LogicalResult refuse(ternary::MatmulOp op, const ShapeChoice &shape) {
    auto matrix = cast<RankedTensorType>(op.getWeights().getType());
    auto known = chosen.find(getName(matrix));
    StringRef wanted =
        known == chosen.end() ? StringRef(format) : StringRef(known->second);
    auto error = op.emitError("expected a packing format for ")
                 << matrix << ", but";
    for (const Candidate &candidate : shape.candidates)
      if (wanted == "auto" || candidate.format->getName() == wanted)
        error << " '" << candidate.format->getName() << "' "
              << candidate.unsupported << ";";
    return error << " use another --format or --cpu";
  }

  /// The table of --explain.
  void print() {
    raw_ostream &os = llvm::errs();
    double footprint = getFootprint(*allFormats().front());
    os << llvm::formatv(
        "predicted microseconds on {0}, {1} thread{2}, weights in {3}; m: "
        "bound by memory, a: by arithmetic\n{4,-16} {5,5} {6,-8} {7,5}",
        target.cpu, threads.getValue(), threads == 1 ? "" : "s",
        getMemoryLevel(target, footprint, threads), "matrix", "count", "format",
        "bits");
    for (const Phase &phase : getPhases())
      os << llvm::formatv(" {0,15}", llvm::formatv("{0} M={1}", phase.name,
                                                   phase.getTokens(maxTokens)));
    os << llvm::formatv(" {0,11}\n", "per token");
    for (auto &[matrix, shape] : shapes)
      for (auto [i, candidate] : llvm::enumerate(shape.candidates)) {
        double elements = double(matrix.getDimSize(0)) * matrix.getDimSize(1);
        os << llvm::formatv("{0,-16} {1,5} {2,-8} {3,5:f3}",
                            i ? "" : getName(matrix),
                            i ? "" : std::to_string(shape.matrices),
                            candidate.format->getName(),
                            8.0 * candidate.type.getSizeInBytes() / elements);
        for (const PredictedTime &time : candidate.times)
          os << llvm::formatv(" {0,13:f1} {1}", time.total(),
                              time.isBoundByMemory() ? "m" : "a");
        if (candidate.times.empty())
          os << "  " << candidate.unsupported;
        else
          os << llvm::formatv(" {0,11:f1}", candidate.score);
        os << (&candidate == shape.best ? "  <- chosen\n" : "\n");
      }
    for (StringRef phase : {"decode", "decode_top"})
      if (auto function = getOperation().lookupSymbol<func::FuncOp>(phase))
        function.walk([&](Operation *op) { printHead(os, phase, op); });
  }

  /// What bitnet-screen-head has made of the output head: of `op` in `phase`,
  /// the bytes it reads for a token and how long that takes.
  void printHead(raw_ostream &os, StringRef phase, Operation *op) {
    // A rescoring reads few rows.
    if (!isa<bitnet::IntegerHeadOp, bitnet::LMHeadOp, bitnet::ScreenHeadOp>(op))
      return;
    int64_t bytes = 0;
    for (Value operand : op->getOperands())
      if (auto ref = operand.getDefiningOp<bitnet::WeightRefOp>())
        if (auto weight =
                SymbolTable::lookupNearestSymbolFrom<bitnet::WeightOp>(
                    ref, ref.getWeightAttr()))
          bytes += weight.getSizeInBytes();
    double footprint = getFootprint(*allFormats().front());
    double rate = 1e3 * threads * getBandwidth(target, footprint, threads);
    os << llvm::formatv(
        "{0,-16} {1,5} {2} of @{3}: {4}, {5:f1} us{6}\n", "head", 1,
        op->getName().stripDialect(), phase, formatBytes(bytes), bytes / rate,
        phase == "decode_top" ? "  <- chosen where only the best tokens matter"
                              : "");
  }

  TargetInfo target;
  llvm::MapVector<RankedTensorType, ShapeChoice> shapes;
  llvm::StringMap<std::string> chosen; // shape to format, of `choices`
  std::vector<MatrixCount> counts;
  int64_t maxTokens = 1;
  double otherBytes = 0; // of weights that are not ternary
};

} // namespace
