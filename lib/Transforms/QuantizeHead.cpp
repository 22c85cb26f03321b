//===- QuantizeHead.cpp - A head of another precision ---------------------===//
//
// Changes logits, so only when asked for. The weights are made when they are
// written; the embedding of a tied head stays as it is, for its lookup.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "HeadWeights.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "bitnetc/Formats/HeadTable.h"
#include "bitnetc/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETQUANTIZEHEAD
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

struct BitNetQuantizeHeadPass
    : bitnetc::impl::BitNetQuantizeHeadBase<BitNetQuantizeHeadPass> {
  using BitNetQuantizeHeadBase::BitNetQuantizeHeadBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!isHeadPrecision(precision)) {
      module.emitError("head: expected f16, bf16, int8 or int4, but got '")
          << precision << "'";
      return signalPassFailure();
    }
    SmallVector<bitnet::LMHeadOp> heads;
    module.walk([&](bitnet::LMHeadOp head) { heads.push_back(head); });
    bitnet::WeightOp table =
        heads.size() == 1 ? findHeadWeight(heads[0]) : nullptr;
    if (!table) {
      module.emitError("expected one bitnet.lm_head with a table of one source "
                       "and at most ")
          << kMaxSketchColumns << " columns to quantise";
      return signalPassFailure();
    }
    replace(heads[0], table);
    if (SymbolTable::symbolKnownUseEmpty(table, module))
      table.erase();
  }

  void replace(bitnet::LMHeadOp head, bitnet::WeightOp table) {
    OpBuilder builder(head);
    auto type = cast<RankedTensorType>(table.getType());
    Value ref = head.getTable();
    if (precision == "f16" || precision == "bf16") {
      Type element = precision == "f16" ? Type(builder.getF16Type())
                                        : builder.getBF16Type();
      if (type.getElementType() == element)
        return;
      head.getTableMutable().assign(addHeadWeight(
          builder, table, "." + precision.getValue(), "", type.clone(element)));
    } else {
      unsigned bits = precision == "int8" ? 8 : 4;
      SmallVector<Value, 4> operands =
          addHeadTable(builder, table, head.getX(), bits);
      auto other = bitnet::IntegerHeadOp::create(
          builder, head.getLoc(), head->getResultTypes(), operands[0],
          operands[1], operands[2], operands[3], ValueRange(),
          builder.getI64IntegerAttr(bits));
      head->replaceAllUsesWith(other);
      head.erase();
    }
    if (ref.use_empty())
      ref.getDefiningOp()->erase();
  }
};

} // namespace
