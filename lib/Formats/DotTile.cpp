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

/// How far ahead a tile is fetched from the second cache, where it has been
/// brought as the next tile.
constexpr int64_t kNearBytes = 512;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const TargetInfo &target,
          const TileOperands &operands, const Geometry &geometry,
          const DotTile &tile)
      : e(builder, loc), operands(operands), geometry(geometry), tile(tile),
        columns(ternary::getPaddedColumns(operands.columns)),
        steps(geometry.getSteps(operands.columns)),
        streams(operands.tileOffsets.size()), tokens(operands.rows),
        partBytes(std::min<int64_t>(kVectorBytes, target.vectorBytes)),
        // Turns of several long steps would take more registers than there are.
        nextParts(geometry.stepBytes == kVectorBytes
                      ? target.nextTileParts
                      : std::min(target.nextTileParts, 1u)),
        perPart(tokens * tile.accumulators) {
    int64_t available =
        int64_t(target.vectorRegisters) - tile.temporaries - (tokens - 1);
    passParts = kVectorBytes / partBytes;
    while (passParts > 1 && streams * passParts * perPart > available)
      passParts /= 2;
    perSet = streams * passParts * perPart;
    // Additions of 16-bit sums have no latency to hide.
    int64_t wanted = tile.shortSteps == 0 ? tile.wanted : 1;
    sets = std::clamp<int64_t>(std::min(available, wanted) / perSet, 1, steps);
    fetchNext = operands.prefetch != 0 && nextParts != 0 && streams == 1 &&
                tokens * kVectorBytes > partBytes &&
                (tile.shortSteps == 0 || tile.shortSteps % nextParts == 0);
    unroll = fetchNext ? std::lcm(sets, nextParts) : sets;
  }

  /// Runs over the steps once, or, where registers are few, several times for
  /// some of the lanes: the second time, the bytes are in the nearest cache.
  void emit() {
    for (int64_t part = 0; part < kVectorBytes / partBytes; part += passParts)
      emitPass(part);
  }

private:
  void emitPass(int64_t firstPart) {
    Value zero = e.splat(e.lanesType(partBytes / 4), 0);
    SmallVector<Value> acc(sets * perSet, zero);
    // Activations end with the padded columns, perhaps within the last step.
    int64_t full = std::min(steps, columns / geometry.stepCols);
    if (tile.shortSteps != 0)
      return emitShortPass(firstPart, acc, full);
    int64_t whole = full / unroll * unroll;
    int64_t quads = geometry.stepCols / kQuad;
    acc = e.loop(0, whole, unroll, acc,
                 [&](Value first, MutableArrayRef<Value> state) {
                   for (int64_t i = 0; i < unroll; ++i) {
                     if (fetchNext && firstPart == 0)
                       prefetchNext(first, i);
                     emitStep(e.addIndex(first, i), quads, firstPart,
                              state.slice(i % sets * perSet, perSet));
                   }
                 });
    auto total = MutableArrayRef<Value>(acc).take_front(perSet);
    for (int64_t step = whole; step < steps; ++step)
      emitStep(e.index(step),
               std::min(quads, (columns - step * geometry.stepCols) / kQuad),
               firstPart, total);
    for (int64_t i = perSet; i < sets * perSet; ++i)
      total[i % perSet] = e.add(total[i % perSet], acc[i]);
    finish(firstPart, total);
  }

  /// The same with sums in 16 bits, as many steps at a time as these hold.
  void emitShortPass(int64_t firstPart, SmallVector<Value> &lanes,
                     int64_t full) {
    int64_t whole = full / tile.shortSteps * tile.shortSteps;
    lanes = e.loop(0, whole, tile.shortSteps, lanes,
                   [&](Value first, MutableArrayRef<Value> state) {
                     // All at once: in the inner loop they would cost
                     // registers.
                     for (int64_t i = 0; i < tile.shortSteps; ++i)
                       if (fetchNext && firstPart == 0)
                         prefetchNext(first, i);
                     addShortSteps(firstPart, first, tile.shortSteps, state);
                   });
    if (whole != steps)
      addShortSteps(firstPart, e.index(whole), full - whole, lanes,
                    steps - full);
    finish(firstPart, lanes);
  }

  /// Adds `count` steps from `first` on, and perhaps a `partial` one, to 32-bit
  /// sums.
  void addShortSteps(int64_t firstPart, Value first, int64_t count,
                     MutableArrayRef<Value> lanes, int64_t partial = 0) {
    auto type = VectorType::get({partBytes / 2}, e.builder.getI16Type());
    SmallVector<Value> words(lanes.size(), e.splat(type, 0));
    words = e.loop(0, count, 1, words,
                   [&](Value step, MutableArrayRef<Value> state) {
                     emitStep(e.add(first, step), geometry.stepCols / kQuad,
                              firstPart, state);
                   });
    if (partial != 0)
      emitStep(e.addIndex(first, count), columns % geometry.stepCols / kQuad,
               firstPart, words);
    for (auto [sum, pairs] : llvm::zip(lanes, words))
      for (Value half : e.widen(pairs))
        sum = e.add(sum, half);
  }

  /// Accumulators of a part of this pass, all tokens'.
  template <typename T> T slicePart(T acc, int64_t stream, int64_t part) {
    return acc.slice((stream * passParts + part) * perPart, perPart);
  }

  /// Fetches the lines of the next tile that belong to step `first + i`, where
  /// `first` is a multiple of nextParts.
  void prefetchNext(Value first, int64_t i) {
    int64_t part = steps / nextParts * geometry.stepBytes;
    Value step =
        arith::DivUIOp::create(e.builder, e.loc, first, e.index(nextParts));
    Value offset =
        e.add(operands.tileOffsets[0], e.mulIndex(step, geometry.stepBytes));
    for (int64_t at = 0; at < geometry.stepBytes; at += kVectorBytes)
      e.prefetch(operands.bytes, offset,
                 (steps + i / nextParts) * geometry.stepBytes +
                     i % nextParts * part + at,
                 TileEmitter::Cache::Second);
  }

  /// One step of all streams, its first `quads`; `acc` is one set.
  void emitStep(Value step, int64_t quads, int64_t firstPart,
                MutableArrayRef<Value> acc) {
    Value column = e.mulIndex(step, geometry.stepCols),
          byte = e.mulIndex(step, geometry.stepBytes);
    auto get = [&](int64_t quad, int64_t token) {
      return e.broadcastFour(operands.activations, token,
                             e.addIndex(column, quad * kQuad), partBytes);
    };
    StepActivations activations = {quads, tokens, get};
    for (int64_t stream = 0; stream < streams; ++stream) {
      Value offset = e.add(operands.tileOffsets[stream], byte);
      if (operands.prefetch != 0 && firstPart == 0)
        e.prefetchStep(operands.bytes, offset, geometry.stepBytes,
                       fetchNext ? kNearBytes : operands.prefetch);
      for (int64_t part = 0; part < passParts; ++part) {
        SmallVector<Value> bytes =
            e.loadStep(operands.bytes, offset, geometry.stepBytes,
                       (firstPart + part) * partBytes, partBytes);
        tile.step(e, bytes, activations, slicePart(acc, stream, part));
      }
    }
  }

  void finish(int64_t firstPart, ArrayRef<Value> acc) {
    int64_t lanes = partBytes / 4;
    for (int64_t token = 0; token < tokens; ++token) {
      Value sum = e.broadcastSum(operands.sums, e.index(token), lanes);
      for (int64_t stream = 0; stream < streams; ++stream)
        for (int64_t part = 0; part < passParts; ++part) {
          ArrayRef<Value> mine =
              slicePart(acc, stream, part)
                  .slice(token * tile.accumulators, tile.accumulators);
          for (auto [i, rows] : llvm::enumerate(tile.finish(e, mine, sum)))
            e.storeLanes(rows, operands.products[stream], token,
                         kLanes * i + lanes * (firstPart + part));
        }
    }
  }

  TileEmitter e;
  const TileOperands &operands;
  const Geometry &geometry;
  const DotTile &tile;
  const int64_t columns, steps, streams, tokens, partBytes, nextParts, perPart;
  /// Parts of a step in one pass, accumulators of a set of one pass.
  int64_t passParts, perSet, sets;
  /// Steps in a turn of the loop; whether they fetch the next tile.
  int64_t unroll;
  bool fetchNext;
};

} // namespace

void bitnetc::emitDotTile(OpBuilder &builder, Location loc,
                          const TargetInfo &target,
                          const TileOperands &operands,
                          const Geometry &geometry, const DotTile &tile) {
  Emitter(builder, loc, target, operands, geometry, tile).emit();
}

int64_t bitnetc::getShortSteps(const Geometry &geometry, int64_t max) {
  return 128 / max / (geometry.stepCols / kQuad);
}

int64_t PackingFormat::getForms() const {
  return getGeometry().tileRows / kLanes;
}

SmallVector<Value> PackingFormat::emitGroups(OpBuilder &builder, Location loc,
                                             ArrayRef<Value> sums,
                                             Value sum) const {
  TileEmitter e(builder, loc);
  return llvm::map_to_vector(sums,
                             [&](Value codes) { return e.sub(codes, sum); });
}

void PackingFormat::emitTile(OpBuilder &builder, Location loc,
                             const TargetInfo &target,
                             const TileOperands &operands) const {
  Geometry geometry = getGeometry();
  int64_t groups = geometry.tileRows / kLanes;
  bool shorts = target.pairInstructions != 0;
  auto step = [&](TileEmitter &e, ArrayRef<Value> bytes,
                  const StepActivations &activations,
                  MutableArrayRef<Value> acc) {
    emitDecode(builder, loc, bytes,
               [&](int64_t quad, int64_t group, Value codes) {
                 for (int64_t token = 0;
                      quad < activations.quads && token < activations.tokens;
                      ++token) {
                   Value a = activations.get(quad, token);
                   Value &sum = acc[token * groups + group];
                   sum = shorts ? e.dot2(sum, codes, a, kMaxCode)
                                : e.dot4(sum, codes, a, kMaxCode);
                 }
               });
  };
  auto finish = [&](TileEmitter &e, ArrayRef<Value> acc, Value sum) {
    return PackingFormat::emitGroups(builder, loc, acc, sum);
  };
  // Decoding takes turns with the products; constants of the decoder, bytes,
  // activations.
  emitDotTile(builder, loc, target, operands, geometry,
              {groups, groups, 10, step, finish,
               shorts ? getShortSteps(geometry, kMaxCode) : 0});
}
