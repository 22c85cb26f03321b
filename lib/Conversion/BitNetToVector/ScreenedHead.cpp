//===- ScreenedHead.cpp - Bounds of logits, and the logits that matter ----===//
//
// What is rounded where is the subject of a proof: see HeadSketch.h before
// changing an operation here.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "RowSums.h"
#include "TableProducts.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "dialects/BitNet/HeadTable.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace bitnetc {

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// Elements `index` to `index` + `count` - 1 of a row, in as many lanes as
/// RowSums gives to `count` rows; the others are zero.
static Value loadGroup(VectorEmitter &e, Value memref, ValueRange indices,
                       int64_t count) {
  Value all = e.load(memref, indices, count);
  auto lanes = llvm::to_vector(
      llvm::seq<int64_t>(0, llvm::PowerOf2Ceil(static_cast<uint64_t>(count))));
  return vector::ShuffleOp::create(e.builder, e.loc, all, all, lanes);
}

/// The f32 scalar in every lane of `like`.
static Value splat(VectorEmitter &e, Value scalar, Value like) {
  return vector::BroadcastOp::create(e.builder, e.loc, like.getType(), scalar);
}

void emitKernel(VectorEmitter &e, bitnet::ScreenHeadOp op) {
  Value facts = op.getFacts(), rowFacts = op.getRowFacts();
  Value upper = op.getOuts()[0], peaks = op.getOuts()[1];
  TableProducts products(e, *getTarget(op), op.getDigits(), op.getTable(), 7);
  auto emit = [&](Value m, Value tile, int64_t rows, Value product) {
    auto ofState = [&](int64_t i) {
      return e.widenToF64(e.broadcast(e.loadScalar(facts, {m, e.index(i)})));
    };
    auto ofRows = [&](int64_t i) {
      Value at = e.index(i * bitnet::kHeadTileRows);
      return e.widenToF64(e.load(rowFacts, {tile, at}));
    };
    // Both products and the sum without its offset are exact.
    Value offset = e.constant(product.getType(), -kFixedPointOffset);
    Value sum = e.fma(offset, ofRows(1), product);
    Value logit = e.mul(sum, e.mul(ofRows(0), ofState(0)));
    Value slack = e.fma(ofState(1), ofRows(2), e.mul(ofState(2), ofRows(3)));
    Value row = e.mulIndex(tile, bitnet::kHeadTileRows);
    e.store(e.narrowToF32(e.add(logit, slack)), upper, {m, row}, rows);
    // Rows that do not exist have infinite bounds. A NaN never replaces a
    // number: `max` keeps its second operand then.
    Value lower = e.narrowToF32(e.sub(logit, slack));
    lower = e.max(lower, e.constant(lower.getType(), -infinity));
    Value peak = e.fold(lower, [&](Value a, Value b) { return e.max(a, b); });
    e.storeScalar(e.extract(peak, 0), peaks, {m, tile});
  };
  products.forEach(getColumns(upper), emit);
}

/// The f32 of a key: keys are unsigned and in the order of the numbers (the
/// sign bit of positive numbers is set, all bits of negative ones are flipped).
static Value fromKey(VectorEmitter &e, Value key) {
  Type i32 = e.builder.getI32Type();
  Value isPositive = arith::CmpIOp::create(
      e.builder, e.loc, arith::CmpIPredicate::slt, key, e.constantInt(i32, 0));
  Value flip = e.select(isPositive, e.constantInt(i32, INT32_MIN),
                        e.constantInt(i32, -1));
  Value bits = arith::XOrIOp::create(e.builder, e.loc, key, flip);
  return arith::BitcastOp::create(e.builder, e.loc, e.builder.getF32Type(),
                                  bits);
}

/// How many of row `m` are at least `least`, as an i32.
static Value countAtLeast(VectorEmitter &e, Value x, Value m, Value least) {
  auto countType =
      VectorType::get(VectorEmitter::lanes, e.builder.getI32Type());
  Value zero = e.constantInt(countType, 0);
  Value wanted = e.broadcast(least);
  Values counts =
      e.rowLoop(getColumns(x), zero,
                [&](Value column, int64_t width, ValueRange args) -> Values {
                  Value isWanted =
                      e.compare(arith::CmpFPredicate::OGE,
                                e.load(x, {m, column}, width), wanted);
                  // Lanes behind the row do not count.
                  SmallVector<int32_t> ones(VectorEmitter::lanes, 0);
                  std::fill_n(ones.begin(), width, 1);
                  Value one = arith::ConstantOp::create(
                      e.builder, e.loc,
                      DenseElementsAttr::get(countType, ArrayRef(ones)));
                  return {arith::AddIOp::create(e.builder, e.loc, args[0],
                                                e.select(isWanted, one, zero))};
                });
  Value sum = e.fold(counts, [&](Value a, Value b) -> Value {
    return arith::AddIOp::create(e.builder, e.loc, a, b);
  });
  return e.extract(sum, 0);
}

/// Builds the key of the result from its highest bit down: a bit is set if
/// still enough numbers are as large. 32 passes over a row that stays in the
/// first cache cost less than keeping a heap, and are the same for any count.
void emitKernel(VectorEmitter &e, bitnet::KthLargestOp op) {
  Value x = op.getX(), out = op.getOuts().front();
  Type i32 = e.builder.getI32Type();
  // More than an i32 holds is more than there are.
  Value count = arith::IndexCastOp::create(
      e.builder, e.loc, i32,
      e.minIndex(op.getCount(), e.index(std::numeric_limits<int32_t>::max())));
  e.forTokens(x, [&](Value m) {
    Values result = e.forLoop(
        e.index(0), e.index(32), 1,
        Values{e.constantInt(i32, 0), e.constantInt(i32, INT32_MIN)},
        [&](Value, ValueRange args) -> Values {
          Value key = arith::OrIOp::create(e.builder, e.loc, args[0], args[1]);
          Value enough = arith::CmpIOp::create(
              e.builder, e.loc, arith::CmpIPredicate::sge,
              countAtLeast(e, x, m, fromKey(e, key)), count);
          Value next = arith::ShRUIOp::create(e.builder, e.loc, args[1],
                                              e.constantInt(i32, 1));
          return {e.select(enough, key, args[0]), next};
        });
    // Keys below that of -inf are NaN: nothing was found.
    Value lowest = e.constantInt(i32, 0x007fffff);
    Value key = arith::MaxUIOp::create(e.builder, e.loc, result[0], lowest);
    e.storeScalar(fromKey(e, key), out, {m, e.index(0)});
  });
}

void emitKernel(VectorEmitter &e, bitnet::RescoreHeadOp op) {
  Value x = op.getX(), out = op.getOuts().front();
  // Survivors are few and far between.
  RowSums sums(e, x, op.getTable(), /*streams=*/false);
  int64_t rows = cast<MemRefType>(op.getTable().getType()).getDimSize(0);
  sums.forGroups(rows, [&](Value row, int64_t count) {
    e.forTokens(x, [&](Value m) {
      Value upper = loadGroup(e, op.getUpper(), {m, row}, count);
      Value threshold = e.loadScalar(op.getThreshold(), {m, e.index(0)});
      // False for NaN, of which nothing is known: such rows survive.
      Value isBelow = e.compare(arith::CmpFPredicate::OLT, upper,
                                splat(e, threshold, upper));
      Value none = e.constant(upper.getType(), -infinity);
      e.store(none, out, {m, row}, count);
      Value allBelow = vector::ReductionOp::create(
          e.builder, e.loc, vector::CombiningKind::AND, isBelow);
      Value isLeft = arith::XOrIOp::create(
          e.builder, e.loc, allBelow, e.constantInt(e.builder.getI1Type(), 1));
      e.ifThen(isLeft, [&] {
        Value logits = sums.emit(m, row, count);
        e.store(e.select(isBelow, none, logits), out, {m, row}, count);
      });
    });
  });
}

} // namespace bitnetc
