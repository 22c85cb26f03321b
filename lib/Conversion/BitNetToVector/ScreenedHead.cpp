//===- ScreenedHead.cpp - Bounds of logits, and the logits that matter ----===//
//
// What is rounded where is the subject of a proof: see HeadSketch.h before
// changing an operation here.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "RowSums.h"
#include "bitnetc/Formats/HeadSketch.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

void emitKernel(VectorEmitter &e, bitnet::RowLengthOp op) {
  Value x = op.getX(), out = op.getOuts().front();
  int64_t columns = getColumns(x);
  Type f32 = e.builder.getF32Type();
  e.forTokens(x, [&](Value m) {
    Value sum = emitSquaredLength(e, x, m);
    // The sum may be too small by the relative error g(n), its root by half of
    // that and a rounding; this factor, rounded up, has more than both.
    double widen = 1 + getSumError(columns) + 0x1p-22;
    Value length = e.add(e.mul(math::SqrtOp::create(e.builder, e.loc, sum),
                               e.constant(f32, widen)),
                         e.constant(f32, kLengthUnderflow));
    Value isShort = e.compare(arith::CmpFPredicate::OLT, sum,
                              e.constant(f32, kMaxSquaredLength));
    length = e.select(isShort, length, e.constant(f32, infinity));
    e.storeScalar(length, out, {m, e.index(0)});
  });
}

namespace {

/// The screening of one block of rows, for one token after another.
class BlockScreen {
public:
  BlockScreen(VectorEmitter &e, bitnet::ScreenHeadOp op)
      : e(e), op(op), sums(e, op.getX(), op.getSketch(), /*streams=*/true) {}

  /// Rows `first` to `first` + `rows` - 1 are block `block`.
  void emit(Value block, Value first, int64_t rows) {
    constexpr int64_t together = RowSums::together;
    Type f32 = e.builder.getF32Type();
    e.forTokens(op.getX(), [&](Value m) {
      Value length = e.loadScalar(op.getLength(), {m, e.index(0)});
      int64_t full = rows / together * together;
      Value peak = e.constant(f32, -infinity);
      if (full > 0) {
        Value none = e.constant(VectorType::get(together, f32), -infinity);
        Values peaks = e.forLoop(first, e.addIndex(first, full), together, none,
                                 [&](Value row, ValueRange args) -> Values {
                                   Value lower =
                                       screen(m, row, together, length);
                                   return {e.max(lower, args[0])};
                                 });
        peak = maximum(peaks[0], together, peak);
      }
      if (full < rows) {
        int64_t count = rows - full;
        peak = maximum(screen(m, e.addIndex(first, full), count, length), count,
                       peak);
      }
      e.storeScalar(peak, op.getOuts()[1], {m, block});
    });
  }

private:
  /// Stores the upper bounds of `count` rows and returns their lower bounds.
  Value screen(Value m, Value row, int64_t count, Value length) {
    Value sum = sums.emit(m, row, count);
    Value logit = e.mul(sum, loadGroup(e, op.getScale(), row, count));
    Value slack =
        e.fma(splat(e, length, sum), loadGroup(e, op.getBound(), row, count),
              e.constant(sum.getType(), kLogitUnderflow));
    e.store(e.add(logit, slack), op.getOuts()[0], {m, row}, count);
    return e.sub(logit, slack);
  }

  /// The largest of `peak` and the first `count` lanes. A NaN never replaces
  /// a number: `max` keeps its second operand then.
  Value maximum(Value vector, int64_t count, Value peak) {
    for (int64_t lane = 0; lane < count; ++lane)
      peak = e.max(e.extract(vector, lane), peak);
    return peak;
  }

  VectorEmitter &e;
  bitnet::ScreenHeadOp op;
  RowSums sums;
};

} // namespace

void emitKernel(VectorEmitter &e, bitnet::ScreenHeadOp op) {
  BlockScreen screen(e, op);
  int64_t rows = cast<MemRefType>(op.getSketch().getType()).getDimSize(0);
  int64_t block = op.getBlock(), full = rows / block;
  if (full == 1)
    screen.emit(e.index(0), e.index(0), block);
  else if (full > 1)
    e.forLoop(e.index(0), e.index(full), 1,
              [&](Value b) { screen.emit(b, e.mulIndex(b, block), block); });
  if (rows % block != 0)
    screen.emit(e.index(full), e.index(full * block), rows % block);
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
