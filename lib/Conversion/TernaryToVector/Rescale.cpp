//===- Rescale.cpp - Integer products to floating-point outputs -----------===//
//
// Each output is computed alone, by the same rounded operations in vectors and
// in the scalar tail, so its bits do not depend on how columns are cut.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

Value bitnetc::emitRescaled(VectorEmitter &e, Value product, Value inverse,
                            Value scale) {
  Value value =
      arith::SIToFPOp::create(e.builder, e.loc, inverse.getType(), product);
  return e.mul(value, e.mul(inverse, scale));
}

void bitnetc::emitRescale(VectorEmitter &e, ternary::RescaleOp op) {
  OpBuilder &b = e.builder;
  Value products = op.getProducts(), inverse = op.getInverse(),
        scale = op.getScale(), out = op.getOuts().front();
  int64_t columns = cast<MemRefType>(out.getType()).getDimSize(1);
  // One of the three may know the number of columns.
  for (Value value : {products, scale})
    if (ShapedType::isDynamic(columns))
      columns = cast<MemRefType>(value.getType()).getShape().back();
  bool isDynamic = ShapedType::isDynamic(columns);
  constexpr int64_t lanes = VectorEmitter::lanes;

  auto emitVector = [&](Value m, Value column, Value inverses) {
    Value product =
        vector::LoadOp::create(b, e.loc, e.rowType().clone(b.getI32Type()),
                               products, ValueRange{m, column});
    e.store(emitRescaled(e, product, inverses, e.load(scale, column)), out,
            {m, column});
  };
  auto emitScalar = [&](Value m, Value column, Value inverse) {
    e.storeScalar(emitRescaled(e, e.loadScalar(products, {m, column}), inverse,
                               e.loadScalar(scale, column)),
                  out, {m, column});
  };

  e.forTokens(products, [&](Value m) {
    Value factor = e.loadScalar(inverse, m), factors = e.broadcast(factor);
    Value end = isDynamic ? Value(memref::DimOp::create(b, e.loc, out, 1))
                          : e.index(columns);
    Value whole = e.index(isDynamic ? 0 : columns / lanes * lanes);
    if (isDynamic) {
      Value rest = arith::RemUIOp::create(b, e.loc, end, e.index(lanes));
      whole = arith::SubIOp::create(b, e.loc, end, rest);
    }
    if (isDynamic || columns >= lanes)
      e.forLoop(e.index(0), whole, lanes,
                [&](Value column) { emitVector(m, column, factors); });
    if (isDynamic || columns % lanes != 0)
      e.forLoop(whole, end, 1,
                [&](Value column) { emitScalar(m, column, factor); });
  });
}
