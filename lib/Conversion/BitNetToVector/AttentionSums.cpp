//===- AttentionSums.cpp - Merging parts of attention ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "AttentionSums.h"
#include "Lowerings.h"
#include "MathEmitter.h"
#include <cmath>

using namespace mlir;

namespace bitnetc {

static constexpr int64_t lanes = VectorEmitter::lanes;

static int64_t pad(int64_t size) { return llvm::alignTo(size, lanes); }

AttentionSums::AttentionSums(VectorEmitter &e, int64_t rows, int64_t columns)
    : maxima(e.allocate({pad(rows)})), totals(e.allocate({pad(rows)})),
      sums(e.allocate({rows, pad(columns)})), columns(columns) {}

void AttentionSums::clear(VectorEmitter &e, Value rows) const {
  Value zero = e.constant(e.rowType(), 0);
  Value infinity = e.constant(e.rowType(), -INFINITY);
  e.forLoop(e.index(0), rows, lanes, [&](Value row) {
    e.store(infinity, maxima, row);
    e.store(zero, totals, row);
  });
  e.forLoop(e.index(0), rows, 1, [&](Value row) {
    e.rowLoop(columns, [&](Value column, int64_t) {
      e.store(zero, sums, {row, column});
    });
  });
}

void AttentionSums::finish(VectorEmitter &e, Value row, Value out, Value m,
                           Value firstColumn) const {
  Value total = e.broadcast(e.loadScalar(totals, row));
  e.rowLoop(columns, [&](Value column, int64_t width) {
    e.store(e.div(e.load(sums, {row, column}), total), out,
            {m, e.addIndex(firstColumn, column)}, width);
  });
}

AttentionMerger::AttentionMerger(VectorEmitter &e, int64_t rows,
                                 int64_t columns)
    : AttentionSums(e, rows, columns), oldFactors(e.allocate({pad(rows)})),
      newFactors(e.allocate({pad(rows)})) {}

void AttentionMerger::mergeStates(VectorEmitter &e, Value row, Value partMaxima,
                                  Value partTotals) const {
  Value before = e.load(maxima, row);
  Value now = e.max(partMaxima, before);
  Value oldFactor = emitExp(e, e.sub(before, now));
  Value newFactor = emitExp(e, e.sub(partMaxima, now));
  Value total =
      e.fma(partTotals, newFactor, e.mul(e.load(totals, row), oldFactor));
  e.store(now, maxima, row);
  e.store(total, totals, row);
  e.store(oldFactor, oldFactors, row);
  e.store(newFactor, newFactors, row);
}

void AttentionMerger::mergeSums(
    VectorEmitter &e, Value row,
    function_ref<Value(Value, int64_t)> part) const {
  Value oldFactor = e.broadcast(e.loadScalar(oldFactors, row));
  Value newFactor = e.broadcast(e.loadScalar(newFactors, row));
  e.rowLoop(columns, [&](Value column, int64_t width) {
    Value old = e.mul(e.load(sums, {row, column}), oldFactor);
    e.store(e.fma(part(column, width), newFactor, old), sums, {row, column});
  });
}

void emitKernel(VectorEmitter &e, bitnet::AttentionMergeOp op) {
  Value sums = op.getSums(), states = op.getStates();
  int64_t heads = op.getHeads(), dim = getColumns(sums) / heads;
  AttentionMerger total(e, heads, dim);
  Value zero = e.index(0), count = e.index(heads);
  Value parts =
      e.addIndex(e.divRem(op.getPosition(), bitnet::attentionPart).first, 1);
  total.clear(e, count);
  e.forLoop(zero, parts, 1, [&](Value i) {
    e.rowLoop(heads, [&](Value head, int64_t width) {
      total.mergeStates(e, head, e.load(states, {i, head}, width),
                        e.load(states, {i, e.addIndex(head, heads)}, width));
    });
    e.forLoop(zero, count, 1, [&](Value head) {
      Value first = e.mulIndex(head, dim);
      total.mergeSums(e, head, [&](Value column, int64_t width) {
        return e.load(sums, {i, e.addIndex(first, column)}, width);
      });
    });
  });
  e.forLoop(zero, count, 1, [&](Value head) {
    total.finish(e, head, op.getOuts().front(), zero, e.mulIndex(head, dim));
  });
}

} // namespace bitnetc
