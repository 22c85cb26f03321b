//===- DotTile.cpp - The loop of all dot-product formats ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"

using namespace mlir;
using namespace bitnetc;

namespace {
/// Columns and bytes of one step.
constexpr int64_t kStepCols = 4, kStepBytes = 64;
/// Registers that the loop needs besides accumulators: the packed bytes, a
/// decoded form of them, the activations and constants.
constexpr int64_t kOtherRegisters = 8;
} // namespace

/// As many accumulator sets as wanted and as fit in registers.
static int64_t chooseSets(const TargetInfo &target,
                          const TileOperands &operands, const DotTile &tile,
                          int64_t steps) {
  int64_t registersPerVector = std::max<int64_t>(1, 64 / target.vectorBytes);
  int64_t perSet = tile.accumulators * operands.rows *
                   operands.tileOffsets.size() * registersPerVector;
  int64_t available = int64_t(target.vectorRegisters) - kOtherRegisters;
  return std::clamp<int64_t>(std::min(available / perSet, steps), 1, tile.sets);
}

void bitnetc::emitDotTile(OpBuilder &builder, Location loc,
                          const TargetInfo &target,
                          const TileOperands &operands, const DotTile &tile) {
  TileEmitter e(builder, loc);
  int64_t steps = (operands.columns + kStepCols - 1) / kStepCols;
  int64_t streams = operands.tileOffsets.size(), tokens = operands.rows;
  int64_t perStream = tokens * tile.accumulators;
  int64_t perSet = streams * perStream;
  int64_t sets = chooseSets(target, operands, tile, steps);

  // One step of all streams; `acc` is one set.
  auto emitStep = [&](Value step, int64_t ahead, MutableArrayRef<Value> acc) {
    Value index = e.addIndex(step, ahead);
    auto times = [&](int64_t size) -> Value {
      return arith::MulIOp::create(builder, loc, index, e.index(size));
    };
    Value column = times(kStepCols), byte = times(kStepBytes);
    SmallVector<Value> activations;
    for (int64_t token = 0; token < tokens; ++token)
      activations.push_back(
          e.broadcastFour(operands.activations, token, column));
    for (int64_t stream = 0; stream < streams; ++stream) {
      Value offset = e.add(operands.tileOffsets[stream], byte);
      if (operands.prefetch != 0)
        e.prefetch(operands.bytes, offset, operands.prefetch);
      Value bytes = e.loadBytes(operands.bytes, offset, kStepBytes);
      tile.step(e, bytes, activations,
                acc.slice(stream * perStream, perStream));
    }
  };

  Value zero = e.splat(e.lanesType(), 0);
  SmallVector<Value> acc(sets * perSet, zero);
  int64_t whole = steps / sets * sets;
  acc = e.loop(0, whole, sets, acc,
               [&](Value step, MutableArrayRef<Value> state) {
                 for (int64_t set = 0; set < sets; ++set)
                   emitStep(step, set, state.slice(set * perSet, perSet));
               });
  MutableArrayRef<Value> total = MutableArrayRef<Value>(acc).take_front(perSet);
  for (int64_t step = whole; step < steps; ++step)
    emitStep(e.index(step), 0, total);
  for (int64_t i = perSet; i < sets * perSet; ++i)
    total[i % perSet] = e.add(total[i % perSet], acc[i]);

  for (int64_t token = 0; token < tokens; ++token) {
    Value sum = e.broadcastSum(operands.sums, token);
    for (int64_t stream = 0; stream < streams; ++stream) {
      ArrayRef<Value> mine = total.slice(
          stream * perStream + token * tile.accumulators, tile.accumulators);
      for (auto [i, lanes] : llvm::enumerate(tile.finish(e, mine, sum)))
        e.storeLanes(lanes, operands.products[stream], token, 16 * i);
    }
  }
}
