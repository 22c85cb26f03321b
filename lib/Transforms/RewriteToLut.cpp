//===- RewriteToLut.cpp - Products by table formats become lookups --------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/Ternary/Ternary.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYREWRITETOLUT
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct TernaryRewriteToLutPass
    : bitnetc::impl::TernaryRewriteToLutBase<TernaryRewriteToLutPass> {
  void runOnOperation() override {
    SmallVector<ternary::MatmulOp> products;
    getOperation()->walk([&](ternary::MatmulOp op) {
      auto weights = dyn_cast<ternary::PackedType>(op.getWeights().getType());
      auto q = dyn_cast<RankedTensorType>(op.getActivations().getType());
      if (q && q.getDimSize(0) == 1 && weights &&
          weights.getFormat().usesTables())
        products.push_back(op);
    });
    DenseMap<std::pair<Value, Attribute>, Value> tables;
    for (ternary::MatmulOp op : products)
      rewrite(op, tables[{op.getActivations(),
                          cast<ternary::PackedType>(op.getWeights().getType())
                              .getFormat()}]);
  }

  void rewrite(ternary::MatmulOp op, Value &table) {
    OpBuilder builder(op);
    if (!table) {
      auto q = cast<RankedTensorType>(op.getActivations().getType());
      auto format =
          cast<ternary::PackedType>(op.getWeights().getType()).getFormat();
      auto type = RankedTensorType::get(
          {q.getDimSize(0), format.getTableBytes(q.getDimSize(1))},
          builder.getI8Type());
      builder.setInsertionPointAfterValue(op.getActivations());
      table =
          ternary::BuildLutOp::create(builder, op.getLoc(), TypeRange{type},
                                      op.getActivations(), format, ValueRange())
              .getResult(0);
      builder.setInsertionPoint(op);
      ++numTables;
    }
    auto lookup =
        ternary::LutMatmulOp::create(builder, op.getLoc(), op.getResultTypes(),
                                     table, op.getWeights(), ValueRange());
    op.replaceAllUsesWith(lookup.getResults());
    op.erase();
    ++numRewritten;
  }
};

} // namespace
