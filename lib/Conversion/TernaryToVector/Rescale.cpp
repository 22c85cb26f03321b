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

/// The formula of `ternary.rescale`; all are vectors or all are scalars.
static Value emitRescaled(VectorEmitter &e, Value product, Value inverse,
                          Value scale) {
  Value value =
      arith::SIToFPOp::create(e.builder, e.loc, inverse.getType(), product);
  return e.mul(value, e.mul(inverse, scale));
}

/// The scale of one column, or with `whole` those of 16 from it on.
static Value emitScale(VectorEmitter &e, ternary::RescaleOp op, Value column,
                       bool whole) {
  Value scale = op.getScale();
  if (op.getRowsPerScale() == 1)
    return whole ? e.load(scale, column) : e.loadScalar(scale, column);
  Value one = e.loadScalar(scale, e.divRem(column, ternary::kScaleRows).first);
  return whole ? e.broadcast(one) : one;
}

void bitnetc::emitRescaledStore(VectorEmitter &e, ternary::RescaleOp op,
                                Value products, Value inverses, Value token,
                                Value column) {
  constexpr int64_t lanes = VectorEmitter::lanes;
  Value value = emitRescaled(e, products, inverses,
                             emitScale(e, op, column, /*whole=*/true));
  Value out = op.getOuts().front();
  if (op.getNontemporal())
    vector::StoreOp::create(e.builder, e.loc, value, out,
                            ValueRange{token, column}, /*nontemporal=*/true,
                            llvm::MaybeAlign(lanes * sizeof(float)));
  else
    e.store(value, out, {token, column});
}

void bitnetc::emitRescale(VectorEmitter &e, ternary::RescaleOp op) {
  static_assert(ternary::kScaleRows == VectorEmitter::lanes);
  OpBuilder &b = e.builder;
  Value products = op.getProducts(), inverse = op.getInverse(),
        out = op.getOuts().front();
  int64_t columns = cast<MemRefType>(out.getType()).getDimSize(1);
  bool isDynamic = ShapedType::isDynamic(columns);
  constexpr int64_t lanes = VectorEmitter::lanes;

  auto emitVector = [&](Value m, Value column, Value inverses) {
    Value product =
        vector::LoadOp::create(b, e.loc, e.rowType().clone(b.getI32Type()),
                               products, ValueRange{m, column});
    emitRescaledStore(e, op, product, inverses, m, column);
  };
  auto emitScalar = [&](Value m, Value column, Value inverse) {
    e.storeScalar(emitRescaled(e, e.loadScalar(products, {m, column}), inverse,
                               emitScale(e, op, column, /*whole=*/false)),
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
