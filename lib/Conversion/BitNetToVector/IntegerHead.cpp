//===- IntegerHead.cpp - Logits of a head in int8 or int4 -----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "TableProducts.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "dialects/BitNet/HeadTable.h"

using namespace mlir;

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::IntegerHeadOp op) {
  Value facts = op.getFacts(), rowFacts = op.getRowFacts();
  Value out = op.getOuts().front();
  TableProducts products(e, *getTarget(op), op.getDigits(), op.getTable(),
                         op.getBits());
  auto emit = [&](Value m, Value tile, int64_t rows, Value product) {
    auto type = cast<VectorType>(product.getType());
    Value step = e.loadScalar(facts, {m, e.index(0)});
    Value offset = e.constant(type, -kFixedPointOffset);
    Value row = e.mulIndex(tile, bitnet::kHeadTileRows);
    Value logits;
    if (op.getBits() == 8) {
      Value scale = e.widenToF64(e.load(rowFacts, {tile, e.index(0)}));
      Value sum = e.widenToF64(
          e.load(rowFacts, {tile, e.index(bitnet::kHeadTileRows)}));
      scale = e.mul(scale, e.widenToF64(e.broadcast(step)));
      logits = e.narrowToF32(e.mul(e.fma(offset, sum, product), scale));
    } else {
      Value sum = e.load(rowFacts, {tile, e.index(0)});
      logits = e.mul(e.fma(offset, sum, product), e.broadcast(step));
    }
    e.store(logits, out, {m, row}, rows);
  };
  products.forEach(getColumns(out), emit);
}

} // namespace bitnetc
