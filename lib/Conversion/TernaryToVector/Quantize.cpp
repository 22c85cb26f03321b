//===- Quantize.cpp - Activations to int8 by their largest value ----------===//
//
// Bit-identical on all targets: a maximum does not depend on its order, and
// every other operation is one correctly rounded IEEE operation per element.
//
// A row that contains a NaN gives codes, too: NaN counts neither as largest
// value nor is it converted (it becomes -128).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

/// The smallest largest value: keeps the scale of a zero row finite
/// (transformers, integrations/bitnet.py, `activation_quant`).
static constexpr float kMinAbsMax = 1e-5f;

static int64_t getColumns(Value memref) {
  return cast<MemRefType>(memref.getType()).getShape().back();
}

/// s of the row `m`.
static Value emitScale(VectorEmitter &e, Value x, Value m) {
  Value absMax = e.largestMagnitude(x, m, getColumns(x), kMinAbsMax);
  return e.div(e.constant(e.builder.getF32Type(), 127), absMax);
}

/// clamp(round(row * scale), -128, 127) in 32 bits.
static Value emitCodes(VectorEmitter &e, Value row, Value scale) {
  Value code = math::RoundEvenOp::create(e.builder, e.loc, e.mul(row, scale));
  code = e.max(code, e.constant(e.rowType(), -128));
  Value top = e.constant(e.rowType(), 127);
  code = e.select(e.compare(arith::CmpFPredicate::OLT, code, top), code, top);
  return arith::FPToSIOp::create(
      e.builder, e.loc, e.rowType().clone(e.builder.getI32Type()), code);
}

void bitnetc::emitQuantize(VectorEmitter &e, ternary::QuantizeOp op) {
  Value x = op.getX(), q = op.getOuts()[0], inverse = op.getOuts()[1],
        sums = op.getOuts()[2];
  OpBuilder &b = e.builder;
  VectorType words = e.rowType().clone(b.getI32Type());
  VectorType bytes = e.rowType().clone(b.getI8Type());
  auto add = [&](Value a, Value c) -> Value {
    return arith::AddIOp::create(b, e.loc, a, c);
  };
  e.forTokens(x, [&](Value m) {
    Value scale = emitScale(e, x, m);
    Value scales = e.broadcast(scale);
    Values sum = e.rowLoop(
        getColumns(x), e.constantInt(words, 0),
        [&](Value column, int64_t width, ValueRange sum) -> Values {
          // Lanes past the row are zero, and so are their codes.
          Value codes = emitCodes(e, e.load(x, {m, column}, width), scales);
          vector::StoreOp::create(
              b, e.loc, arith::TruncIOp::create(b, e.loc, bytes, codes), q,
              ValueRange{m, column});
          return {add(sum.front(), codes)};
        });
    // The padding up to whole activation blocks.
    int64_t written = llvm::alignTo(getColumns(x), VectorEmitter::lanes);
    for (; written < getColumns(q); written += VectorEmitter::lanes)
      vector::StoreOp::create(b, e.loc, e.constantInt(bytes, 0), q,
                              ValueRange{m, e.index(written)});
    e.storeScalar(e.div(e.constant(b.getF32Type(), 1), scale), inverse, m);
    e.storeScalar(e.extract(e.fold(sum, add), 0), sums, m);
  });
}
