//===- BuildLut.cpp - Tables of the sums of activation pairs --------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

/// The factor of the first (`divisor` 3) or second (1) activation of a pair in
/// each of 16 entries, nine of which are used.
static Value emitFactors(VectorEmitter &e, VectorType type, int64_t divisor) {
  SmallVector<int16_t> factors(16, 0);
  for (int64_t i = 0; i < 9; ++i)
    factors[i] = i / divisor % 3 - 1;
  return arith::ConstantOp::create(
      e.builder, e.loc,
      DenseElementsAttr::get(type, ArrayRef<int16_t>(factors)));
}

void bitnetc::emitBuildLut(VectorEmitter &e, ternary::BuildLutOp op) {
  OpBuilder &b = e.builder;
  Value activations = op.getActivations(), tables = op.getOuts().front();
  int64_t columns = cast<MemRefType>(activations.getType()).getDimSize(1);
  auto type = VectorType::get({16}, b.getI16Type());
  // Low bytes of all entries, then high bytes.
  SmallVector<int64_t> planes;
  for (int64_t byte : {0, 1})
    for (int64_t i = 0; i < 16; ++i)
      planes.push_back(2 * i + byte);

  e.forTokens(activations, [&](Value m) {
    Value firstFactors = emitFactors(e, type, 3);
    Value secondFactors = emitFactors(e, type, 1);
    e.forLoop(e.index(0), e.index(columns), 2, [&](Value column) {
      auto term = [&](int64_t offset, Value factors) -> Value {
        Value a = e.loadScalar(activations, {m, e.addIndex(column, offset)});
        Value wide = arith::ExtSIOp::create(b, e.loc, b.getI16Type(), a);
        return arith::MulIOp::create(b, e.loc, e.broadcast(wide), factors);
      };
      Value entries = arith::AddIOp::create(b, e.loc, term(0, firstFactors),
                                            term(1, secondFactors));
      Value bytes = vector::BitCastOp::create(
          b, e.loc, VectorType::get({32}, b.getI8Type()), entries);
      vector::StoreOp::create(
          b, e.loc, vector::ShuffleOp::create(b, e.loc, bytes, bytes, planes),
          tables, ValueRange{m, e.mulIndex(column, 16)});
    });
  });
}
