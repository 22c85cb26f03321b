//===- SelectFormat.cpp - Choose the packing format of every matrix -------===//
//
// The cost model is data: a format says its cycles per 64 packed bytes on a
// target, the target its bytes per cycle from memory. A decode step reads every
// weight once, so its time per matrix is the larger of the two; prefill is
// bound by cycles in every format and breaks ties.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Formats/PackingFormat.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYSELECTFORMAT
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;
using ternary::PackedType;
using ternary::PackingFormatInterface;

namespace {

/// Predicted cost of one candidate for one matrix.
struct Candidate {
  const PackingFormat *format;
  PackedType type;
  std::string unsupported; // why not, or empty
  double memoryCycles = 0, computeCycles = 0;
  double cycles() const { return std::max(memoryCycles, computeCycles); }
};

struct TernarySelectFormatPass
    : bitnetc::impl::TernarySelectFormatBase<TernarySelectFormatPass> {
  using TernarySelectFormatBase::TernarySelectFormatBase;

  void runOnOperation() override {
    chosen.clear(); // of another module, perhaps for another target
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    if (format != "auto") {
      const PackingFormat *wanted = findFormat(format);
      if (!wanted) {
        auto error = getOperation().emitError("expected a packing format (");
        for (const PackingFormat *known : allFormats())
          error << known->getName() << ", ";
        error << "auto), but got '" << format << "'";
        return signalPassFailure();
      }
      if (auto reason = wanted->getUnsupportedReason(*target)) {
        getOperation().emitError("format '") << format << "': " << *reason;
        return signalPassFailure();
      }
    }
    SmallVector<ternary::MatmulOp> products;
    getOperation().walk([&](ternary::MatmulOp op) {
      if (isa<RankedTensorType>(op.getWeights().getType()))
        products.push_back(op);
    });
    for (ternary::MatmulOp op : products)
      if (failed(select(op, *target)))
        return signalPassFailure();
  }

  LogicalResult select(ternary::MatmulOp op, const TargetInfo &target) {
    auto matrix = cast<RankedTensorType>(op.getWeights().getType());
    auto [known, isNew] = chosen.try_emplace(matrix, PackedType());
    if (isNew) {
      SmallVector<Candidate> candidates = getCandidates(matrix, target);
      const Candidate *best = nullptr;
      for (const Candidate &candidate : candidates) {
        bool eligible =
            candidate.unsupported.empty() &&
            (format == "auto" || candidate.format->getName() == format);
        if (eligible && (!best || candidate.cycles() < best->cycles()))
          best = &candidate;
      }
      if (!best)
        return refuse(op, candidates);
      known->second = best->type;
      report(op, matrix, candidates, *best);
    }
    OpBuilder builder(op);
    op.getWeightsMutable().assign(ternary::PackOp::create(
        builder, op.getLoc(), known->second, op.getWeights()));
    return success();
  }

  LogicalResult refuse(ternary::MatmulOp op, ArrayRef<Candidate> candidates) {
    auto error = op.emitError("expected a packing format for ")
                 << op.getWeights().getType() << ", but";
    for (const Candidate &candidate : candidates)
      if (format == "auto" || candidate.format->getName() == format)
        error << " '" << candidate.format->getName() << "' "
              << candidate.unsupported << ";";
    return error << " use another --format or --cpu";
  }

  SmallVector<Candidate> getCandidates(RankedTensorType matrix,
                                       const TargetInfo &target) {
    SmallVector<Candidate> candidates;
    for (const PackingFormat *format : allFormats()) {
      Candidate candidate;
      candidate.format = format;
      candidate.type =
          PackedType::get(&getContext(), matrix.getDimSize(0),
                          matrix.getDimSize(1), format->getAttr(&getContext()));
      if (auto reason = format->getUnsupportedReason(target))
        candidate.unsupported = *reason;
      else if (int64_t limit = candidate.type.getFormat().getColumnLimit();
               matrix.getDimSize(1) >= limit)
        candidate.unsupported =
            "holds fewer than " + std::to_string(limit) + " columns";
      double bytes = candidate.type.getSizeInBytes();
      candidate.memoryCycles = bytes / target.memoryBytesPerCycle;
      candidate.computeCycles =
          bytes / 64 * format->getCyclesPer64Bytes(target, 1);
      candidates.push_back(std::move(candidate));
    }
    return candidates;
  }

  void report(ternary::MatmulOp op, RankedTensorType matrix,
              ArrayRef<Candidate> candidates, const Candidate &best) {
    StringRef bound = best.memoryCycles >= best.computeCycles
                          ? "bound by memory"
                          : "bound by its inner loop";
    remark::passed(op.getLoc(),
                   remark::RemarkOpts::name("format").category(getArgument()))
        << ("format " + best.format->getName() + ": " + bound).str();
    if (!explain)
      return;
    llvm::errs() << llvm::formatv("{0} x {1}\n  {2,-8} {3,12} {4,14} {5,14}\n",
                                  matrix.getDimSize(0), matrix.getDimSize(1),
                                  "format", "bits/weight", "memory cycles",
                                  "compute cycles");
    for (const Candidate &candidate : candidates) {
      double bits = 8.0 * candidate.type.getSizeInBytes() /
                    (double(matrix.getDimSize(0)) * matrix.getDimSize(1));
      llvm::errs() << llvm::formatv(
          "  {0,-8} {1,12:f3} {2,14:f0} {3,14:f0}{4}\n",
          candidate.format->getName(), bits, candidate.memoryCycles,
          candidate.computeCycles,
          !candidate.unsupported.empty()    ? "  " + candidate.unsupported
          : candidate.format == best.format ? std::string("  <- chosen")
                                            : std::string());
    }
  }

  /// Equal shapes get equal formats, so that layers share their code.
  DenseMap<RankedTensorType, PackedType> chosen;
};

} // namespace
