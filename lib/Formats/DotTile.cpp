//===- DotTile.cpp - The loop of all dot-product formats ------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "DotTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace bitnetc;

namespace {

/// Columns, lanes and bytes of one step.
constexpr int64_t kStepCols = 4, kStepLanes = 16, kStepBytes = 64;

/// How far ahead a tile is fetched from the second cache, where it has been
/// brought as the next tile.
constexpr int64_t kNearBytes = 512;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const TargetInfo &target,
          const TileOperands &operands, const DotTile &tile)
      : e(builder, loc), operands(operands), tile(tile),
        steps((operands.columns + kStepCols - 1) / kStepCols),
        streams(operands.tileOffsets.size()), tokens(operands.rows),
        partBytes(std::min<int64_t>(kStepBytes, target.vectorBytes)),
        nextParts(target.nextTileParts), perPart(tokens * tile.accumulators) {
    int64_t available =
        int64_t(target.vectorRegisters) - tile.temporaries - (tokens - 1);
    passParts = kStepBytes / partBytes;
    while (passParts > 1 && streams * passParts * perPart > available)
      passParts /= 2;
    perSet = streams * passParts * perPart;
    sets = std::clamp<int64_t>(std::min(available, tile.wanted) / perSet, 1,
                               steps);
    fetchNext = operands.prefetch != 0 && nextParts != 0 && streams == 1 &&
                tokens * kStepBytes > partBytes;
    unroll = fetchNext ? std::lcm(sets, nextParts) : sets;
  }

  /// Runs over the steps once, or, where registers are few, several times for
  /// some of the lanes: the second time, the bytes are in the nearest cache.
  void emit() {
    for (int64_t part = 0; part < kStepBytes / partBytes; part += passParts)
      emitPass(part);
  }

private:
  void emitPass(int64_t firstPart) {
    Value zero = e.splat(e.lanesType(partBytes / 4), 0);
    SmallVector<Value> acc(sets * perSet, zero);
    int64_t whole = steps / unroll * unroll;
    acc = e.loop(0, whole, unroll, acc,
                 [&](Value first, MutableArrayRef<Value> state) {
                   for (int64_t i = 0; i < unroll; ++i) {
                     if (fetchNext && firstPart == 0)
                       prefetchNext(first, i);
                     emitStep(e.addIndex(first, i), firstPart,
                              state.slice(i % sets * perSet, perSet));
                   }
                 });
    auto total = MutableArrayRef<Value>(acc).take_front(perSet);
    for (int64_t step = whole; step < steps; ++step)
      emitStep(e.index(step), firstPart, total);
    for (int64_t i = perSet; i < sets * perSet; ++i)
      total[i % perSet] = e.add(total[i % perSet], acc[i]);
    finish(firstPart, total);
  }

  /// Accumulators of a part of this pass, all tokens'.
  template <typename T> T slicePart(T acc, int64_t stream, int64_t part) {
    return acc.slice((stream * passParts + part) * perPart, perPart);
  }

  Value times(Value step, int64_t size) {
    return arith::MulIOp::create(e.builder, e.loc, step, e.index(size));
  }

  /// Fetches the line of the next tile that belongs to step `first + i`, where
  /// `first` is a multiple of nextParts.
  void prefetchNext(Value first, int64_t i) {
    int64_t part = steps / nextParts * kStepBytes;
    Value line =
        arith::DivUIOp::create(e.builder, e.loc, first, e.index(nextParts));
    Value offset = e.add(operands.tileOffsets[0], times(line, kStepBytes));
    e.prefetch(operands.bytes, offset,
               steps * kStepBytes + i / nextParts * kStepBytes +
                   i % nextParts * part,
               TileEmitter::Cache::Second);
  }

  /// One step of all streams; `acc` is one set.
  void emitStep(Value step, int64_t firstPart, MutableArrayRef<Value> acc) {
    Value column = times(step, kStepCols), byte = times(step, kStepBytes);
    SmallVector<Value> activations;
    for (int64_t token = 0; token < tokens; ++token)
      activations.push_back(
          e.broadcastFour(operands.activations, token, column, partBytes));
    for (int64_t stream = 0; stream < streams; ++stream) {
      Value offset = e.add(operands.tileOffsets[stream], byte);
      if (operands.prefetch != 0 && firstPart == 0)
        e.prefetch(operands.bytes, offset,
                   fetchNext ? kNearBytes : operands.prefetch);
      for (int64_t part = 0; part < passParts; ++part) {
        Value byte = e.addIndex(offset, (firstPart + part) * partBytes);
        Value bytes = e.loadBytes(operands.bytes, byte, partBytes);
        tile.step(e, bytes, activations, slicePart(acc, stream, part));
      }
    }
  }

  void finish(int64_t firstPart, ArrayRef<Value> acc) {
    int64_t lanes = partBytes / 4;
    for (int64_t token = 0; token < tokens; ++token) {
      Value sum = e.broadcastSum(operands.sums, token, lanes);
      for (int64_t stream = 0; stream < streams; ++stream)
        for (int64_t part = 0; part < passParts; ++part) {
          ArrayRef<Value> mine =
              slicePart(acc, stream, part)
                  .slice(token * tile.accumulators, tile.accumulators);
          for (auto [i, rows] : llvm::enumerate(tile.finish(e, mine, sum)))
            e.storeLanes(rows, operands.products[stream], token,
                         kStepLanes * i + lanes * (firstPart + part));
        }
    }
  }

  TileEmitter e;
  const TileOperands &operands;
  const DotTile &tile;
  const int64_t steps, streams, tokens, partBytes, nextParts, perPart;
  /// Parts of a step in one pass, accumulators of a set of one pass.
  int64_t passParts, perSet, sets;
  /// Steps in a turn of the loop; whether they fetch the next tile.
  int64_t unroll;
  bool fetchNext;
};

} // namespace

void bitnetc::emitDotTile(OpBuilder &builder, Location loc,
                          const TargetInfo &target,
                          const TileOperands &operands, const DotTile &tile) {
  Emitter(builder, loc, target, operands, tile).emit();
}
