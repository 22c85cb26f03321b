//===- Norm.cpp - Root-mean-square normalisation --------------------------===//
//
// Squares are summed with fused multiply-adds in 16 lanes (column k in lane k
// mod 16) that are then folded by halves. As in transformers, the row is
// multiplied by 1 / sqrt(mean + eps), then by the gain: two roundings for each
// element instead of a division.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace bitnetc {

Value emitSquaredLength(VectorEmitter &e, Value x, Value token) {
  Values squares =
      e.rowLoop(getColumns(x), e.constant(e.rowType(), 0),
                [&](Value column, int64_t width, ValueRange sum) -> Values {
                  Value row = e.load(x, {token, column}, width);
                  return {e.fma(row, row, sum.front())};
                });
  return e.extract(e.foldSum(squares), 0);
}

void emitKernel(VectorEmitter &e, bitnet::RMSNormOp op) {
  Value x = op.getX(), gain = op.getGain(), out = op.getOuts().front();
  int64_t columns = getColumns(x);
  Type f32 = e.builder.getF32Type();
  e.forTokens(x, [&](Value m) {
    Value mean = e.div(emitSquaredLength(e, x, m),
                       e.constant(f32, static_cast<double>(columns)));
    Value shifted = e.add(mean, e.constant(f32, op.getEps().convertToDouble()));
    Value root = math::SqrtOp::create(e.builder, e.loc, shifted);
    Value inverse = e.broadcast(e.div(e.constant(f32, 1), root));
    e.rowLoop(columns, [&](Value column, int64_t width) {
      Value row = e.mul(e.load(x, {m, column}, width), inverse);
      e.store(e.mul(e.load(gain, column, width), row), out, {m, column}, width);
    });
  });
}

} // namespace bitnetc
