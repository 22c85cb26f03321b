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

/// Bytes of the tables of one activation column (16 bytes low and 16 bytes
/// high for each pair of columns).
constexpr int64_t kTableBytesPerColumn = 16;

struct TernaryRewriteToLutPass
    : bitnetc::impl::TernaryRewriteToLutBase<TernaryRewriteToLutPass> {
  void runOnOperation() override {
    SmallVector<ternary::MatmulOp> products;
    getOperation()->walk([&](ternary::MatmulOp op) {
      auto weights = dyn_cast<ternary::PackedType>(op.getWeights().getType());
      if (op.getNumResults() == 1 && weights &&
          weights.getFormat().usesTables())
        products.push_back(op);
    });
    DenseMap<Value, Value> tables;
    for (ternary::MatmulOp op : products)
      rewrite(op, tables);
  }

  void rewrite(ternary::MatmulOp op, DenseMap<Value, Value> &tables) {
    OpBuilder builder(op);
    Value &table = tables[op.getActivations()];
    if (!table) {
      auto q = cast<RankedTensorType>(op.getActivations().getType());
      auto type = RankedTensorType::get(
          {q.getDimSize(0), kTableBytesPerColumn * q.getDimSize(1)},
          builder.getI8Type());
      builder.setInsertionPointAfterValue(op.getActivations());
      table = ternary::BuildLutOp::create(builder, op.getLoc(), TypeRange{type},
                                          op.getActivations(), ValueRange())
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
