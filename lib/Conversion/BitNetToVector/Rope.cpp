//===- Rope.cpp - Rotary position embedding -------------------------------===//
//
// As transformers computes it: the angle position * frequency is rounded to
// f32; cosine and sine of that angle are rounded to f32; the rotation rounds
// each product before the sum (no fused multiply-add).
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "MathEmitter.h"

using namespace mlir;

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::RopeAnglesOp op) {
  Value frequencies = op.getFrequencies(), out = op.getOuts().front();
  int64_t half = getColumns(frequencies);
  e.forTokens(out, [&](Value m) {
    Value position =
        arith::IndexCastOp::create(e.builder, e.loc, e.builder.getI64Type(),
                                   e.addIndex(op.getPosition(), m));
    // Exact below 2^24, beyond every context length.
    Value scale = e.broadcast(arith::SIToFPOp::create(
        e.builder, e.loc, e.builder.getF32Type(), position));
    e.rowLoop(half, [&](Value column, int64_t width) {
      Value angle = e.mul(scale, e.load(frequencies, column, width));
      auto [cosine, sine] = emitCosSin(e, angle);
      e.store(cosine, out, {m, column}, width);
      e.store(sine, out, {m, e.addIndex(column, half)}, width);
    });
  });
}

void emitKernel(VectorEmitter &e, bitnet::RopeOp op) {
  Value x = op.getX(), angles = op.getAngles(), out = op.getOuts().front();
  int64_t columns = getColumns(x), dim = getColumns(angles), half = dim / 2;
  e.forTokens(x, [&](Value m) {
    e.forLoop(e.index(0), e.index(columns), dim, [&](Value head) {
      e.rowLoop(half, [&](Value column, int64_t width) {
        Value left = e.addIndex(head, column);
        Value right = e.addIndex(left, half);
        Value a = e.load(x, {m, left}, width);
        Value b = e.load(x, {m, right}, width);
        Value cosine = e.load(angles, {m, column}, width);
        Value sine = e.load(angles, {m, e.addIndex(column, half)}, width);
        e.store(e.sub(e.mul(a, cosine), e.mul(b, sine)), out, {m, left}, width);
        e.store(e.add(e.mul(b, cosine), e.mul(a, sine)), out, {m, right},
                width);
      });
    });
  });
}

} // namespace bitnetc
