//===- Activation.cpp - Gated activations and the residual sum ------------===//
//
// gelu uses 0.5 * (1 + tanh(u)) = 1 / (1 + e^(-2u)), so that both smooth
// activations are x / (1 + e^t) with one exponential.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "MathEmitter.h"

using namespace mlir;

namespace bitnetc {

/// -2 * sqrt(2 / pi) and -2 * sqrt(2 / pi) * 0.044715: e^t's exponent in gelu
/// is x * (geluLinear + geluCubic * x^2).
static constexpr double geluLinear = -1.5957691216057308;
static constexpr double geluCubic = -0.0713548162726002;

static Value emitActivation(VectorEmitter &e, bitnet::ActivationKind kind,
                            Value x) {
  Type type = x.getType();
  if (kind == bitnet::ActivationKind::relu2) {
    // In this order NaN stays NaN.
    Value positive = e.max(e.constant(type, 0), x);
    return e.mul(positive, positive);
  }
  Value exponent = e.negate(x);
  if (kind == bitnet::ActivationKind::gelu)
    exponent = e.mul(x, e.fma(e.constant(type, geluCubic), e.mul(x, x),
                              e.constant(type, geluLinear)));
  return e.div(x, e.add(e.constant(type, 1), emitExp(e, exponent)));
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
