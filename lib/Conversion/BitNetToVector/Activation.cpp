//===- Activation.cpp - Gated activations and the residual sum ------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "MathEmitter.h"

using namespace mlir;

namespace bitnetc {

static Value emitActivation(VectorEmitter &e, bitnet::ActivationKind kind,
                            Value x) {
  Type type = x.getType();
  if (kind == bitnet::ActivationKind::relu2) {
    // In this order NaN stays NaN.
    Value positive = e.max(e.constant(type, 0), x);
    return e.mul(positive, positive);
  }
  return e.div(x, e.add(e.constant(type, 1), emitExp(e, e.negate(x))));
}

void emitKernel(VectorEmitter &e, bitnet::GatedActOp op) {
  Value gate = op.getGate(), up = op.getUp(), out = op.getOuts().front();
  e.forTokens(gate, [&](Value m) {
    e.rowLoop(getColumns(gate), [&](Value column, int64_t width) {
      Value y =
          emitActivation(e, op.getKind(), e.load(gate, {m, column}, width));
      e.store(e.mul(y, e.load(up, {m, column}, width)), out, {m, column},
              width);
    });
  });
}

void emitKernel(VectorEmitter &e, bitnet::AddOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs(), out = op.getOuts().front();
  e.forTokens(lhs, [&](Value m) {
    e.rowLoop(getColumns(lhs), [&](Value column, int64_t width) {
      e.store(e.add(e.load(lhs, {m, column}, width),
                    e.load(rhs, {m, column}, width)),
              out, {m, column}, width);
    });
  });
}

} // namespace bitnetc
