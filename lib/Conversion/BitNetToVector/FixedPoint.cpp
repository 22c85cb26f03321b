//===- FixedPoint.cpp - Hidden states as digits, with their error ---------===//
//
// What is rounded where is the subject of a proof: see HeadSketch.h before
// changing an operation here. Each element is rounded once by each operation,
// and sums have the one order, so digits and facts are the same on all targets.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace bitnetc {

/// A length that is not below the root of `squares`, an f32 sum of `columns`
/// products: that may be too small by the relative error g(n), its root by half
/// of that and a rounding, and its terms by another; the factor has more.
static Value emitLength(VectorEmitter &e, Value squares, int64_t columns) {
  Type f32 = e.builder.getF32Type();
  return e.add(e.mul(math::SqrtOp::create(e.builder, e.loc, squares),
                     e.constant(f32, 1 + getSumError(columns) + 0x1p-22)),
               e.constant(f32, kLengthUnderflow));
}

/// Stores the digits of X + offset of 16 columns. X are whole f32 numbers.
static void storeDigits(VectorEmitter &e, Value x, Value digits, Value m,
                        Value column) {
  OpBuilder &b = e.builder;
  VectorType words = e.rowType().clone(b.getI32Type());
  VectorType bytes = e.rowType().clone(b.getI8Type());
  Value word = arith::FPToSIOp::create(
      b, e.loc, words, e.add(x, e.constant(e.rowType(), kFixedPointOffset)));
  Value high = arith::ShRUIOp::create(b, e.loc, word, e.constantInt(words, 7));
  Value low = arith::AndIOp::create(b, e.loc, word, e.constantInt(words, 127));
  Value second = e.addIndex(column, getColumns(digits) / 2);
  for (auto [digit, at] : {std::pair(high, column), std::pair(low, second)})
    vector::StoreOp::create(b, e.loc,
                            arith::TruncIOp::create(b, e.loc, bytes, digit),
                            digits, ValueRange{m, at});
}

void emitKernel(VectorEmitter &e, bitnet::FixedPointOp op) {
  Value x = op.getX(), digits = op.getOuts()[0], facts = op.getOuts()[1];
  int64_t columns = getColumns(x);
  Type f32 = e.builder.getF32Type();
  auto number = [&](double value) { return e.constant(f32, value); };
  e.forTokens(x, [&](Value m) {
    Value largest = e.largestMagnitude(x, m, getColumns(x), 0);
    Value isZero =
        e.compare(arith::CmpFPredicate::OLT, largest, number(kFixedPointLeast));
    Value top = number(kFixedPointMax);
    Value step = e.select(isZero, number(0), e.div(largest, top));
    Value inverse =
        e.broadcast(e.select(isZero, number(0), e.div(top, largest)));
    Value steps = e.broadcast(step);
    Value most = e.constant(e.rowType(), kFixedPointMax);
    Value least = e.constant(e.rowType(), -kFixedPointMax);
    Values errors = e.rowLoop(
        columns, e.constant(e.rowType(), 0),
        [&](Value column, int64_t width, ValueRange args) -> Values {
          Value row = e.load(x, {m, column}, width);
          // In range but for NaN, which becomes the least.
          Value code = e.max(
              math::RoundEvenOp::create(e.builder, e.loc, e.mul(row, inverse)),
              least);
          code = e.select(e.compare(arith::CmpFPredicate::OLT, code, most),
                          code, most);
          storeDigits(e, code, digits, m, column);
          Value rest = e.fma(e.negate(steps), code, row);
          return {e.fma(rest, rest, args.front())};
        });
    // Weights of the padding are zero: any digits do.
    int64_t written = llvm::alignTo(columns, VectorEmitter::lanes);
    for (; written < getColumns(digits) / 2; written += VectorEmitter::lanes)
      storeDigits(e, e.constant(e.rowType(), 0), digits, m, e.index(written));

    Value squares = emitSquaredLength(e, x, m);
    Value isShort = e.compare(arith::CmpFPredicate::OLT, squares,
                              number(kMaxSquaredLength));
    Value error = e.extract(e.foldSum(errors), 0);
    const Value values[] = {step, emitLength(e, squares, columns),
                            emitLength(e, error, columns)};
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    for (auto [i, value] : llvm::enumerate(values)) {
      Value other = number(i == 0 ? unknown : infinity);
      e.storeScalar(e.select(isShort, value, other), facts, {m, e.index(i)});
    }
  });
}

} // namespace bitnetc
