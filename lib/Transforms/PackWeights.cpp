//===- PackWeights.cpp - Weights get their packed types -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYPACKWEIGHTS
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct TernaryPackWeightsPass
    : bitnetc::impl::TernaryPackWeightsBase<TernaryPackWeightsPass> {
  void runOnOperation() override {
    SymbolTableCollection symbols;
    WalkResult result = getOperation().walk(
        [&](ternary::PackOp pack) { return fold(pack, symbols); });
    if (result.wasInterrupted())
      return signalPassFailure();
    // A weight is stored once: nothing may read it unpacked as well.
    result = getOperation().walk([&](bitnet::WeightRefOp ref) -> WalkResult {
      Type type = findWeight(ref, symbols).getType();
      if (type == ref.getType())
        return WalkResult::advance();
      return ref.emitError("expected every use of weight '")
             << ref.getWeight() << "' to read " << type << ", but got "
             << ref.getType();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  static bitnet::WeightOp findWeight(bitnet::WeightRefOp ref,
                                     SymbolTableCollection &symbols) {
    return symbols.lookupNearestSymbolFrom<bitnet::WeightOp>(
        ref, ref.getWeightAttr());
  }

  static WalkResult fold(ternary::PackOp pack, SymbolTableCollection &symbols) {
    auto ref = pack.getWeights().getDefiningOp<bitnet::WeightRefOp>();
    if (!ref)
      return pack.emitError("expected to pack a weight of the model"),
             WalkResult::interrupt();
    bitnet::WeightOp weight = findWeight(ref, symbols);
    Type packed = pack.getPacked().getType();
    if (isa<ternary::PackedType>(weight.getType()) &&
        weight.getType() != packed)
      return pack.emitError("expected one format for weight '")
                 << weight.getSymName() << "', but got " << weight.getType()
                 << " and " << packed,
             WalkResult::interrupt();
    weight.setType(packed);
    OpBuilder builder(pack);
    auto packedRef = bitnet::WeightRefOp::create(builder, pack.getLoc(), packed,
                                                 ref.getWeightAttr());
    pack.getPacked().replaceAllUsesWith(packedRef.getResult());
    pack.erase();
    if (ref->use_empty())
      ref.erase();
    return WalkResult::advance();
  }
};

} // namespace
