//===- LookupTile.cpp - The loop of all table formats ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "LookupTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace bitnetc;

namespace {

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const TargetInfo &target,
          const TileOperands &operands, const Geometry &geometry,
          int64_t tableBytes, const LookupTile &tile)
      : e(builder, loc), operands(operands), geometry(geometry), tile(tile),
        tableBytes(tableBytes),
        partBytes(std::min<int64_t>(kVectorBytes, target.vectorBytes)),
        parts(kVectorBytes / partBytes), streams(operands.tileOffsets.size()),
        perToken(streams * parts * tile.accumulators),
        shortsType(VectorType::get({partBytes / 2}, builder.getI16Type())) {}

  void emit() {
    int64_t steps = geometry.getSteps(operands.columns);
    int64_t whole = steps / tile.flush * tile.flush;
    // Even and odd words apart: they become lanes by shifts alone.
    SmallVector<Value> sums(2 * operands.rows * perToken,
                            e.splat(e.lanesType(partBytes / 4), 0));
    sums = e.loop(0, whole, tile.flush, sums,
                  [&](Value first, MutableArrayRef<Value> state) {
                    addSteps(first, tile.flush, state);
                  });
    if (whole != steps)
      addSteps(e.index(whole), steps - whole, sums);
    store(sums);
  }

private:
  /// Adds `count` steps, few enough for 16 bits, to the 32-bit sums.
  void addSteps(Value first, int64_t count, MutableArrayRef<Value> sums) {
    SmallVector<Value> shorts(sums.size() / 2, e.splat(shortsType, 0));
    shorts = e.loop(0, count, 1, shorts,
                    [&](Value step, MutableArrayRef<Value> state) {
                      addStep(e.add(first, step), state);
                    });
    for (auto [i, words] : llvm::enumerate(shorts)) {
      auto [even, odd] = e.widen(words);
      sums[2 * i] = e.add(sums[2 * i], even);
      sums[2 * i + 1] = e.add(sums[2 * i + 1], odd);
    }
  }

  void addStep(Value step, MutableArrayRef<Value> shorts) {
    Value byte = e.mulIndex(step, geometry.stepBytes);
    Value tables = e.mulIndex(step, tableBytes);
    for (int64_t stream = 0; stream < streams; ++stream) {
      Value offset = e.add(operands.tileOffsets[stream], byte);
      if (operands.prefetch != 0)
        e.prefetchStep(operands.bytes, offset, geometry.stepBytes,
                       operands.prefetch);
      for (int64_t part = 0; part < parts; ++part) {
        SmallVector<Value> bytes =
            e.loadStep(operands.bytes, offset, geometry.stepBytes,
                       part * partBytes, partBytes);
        for (int64_t token = 0; token < operands.rows; ++token)
          tile.step(
              e, bytes,
              [&](int64_t at, int64_t count) {
                return e.loadRowBytes(operands.tables, token,
                                      e.addIndex(tables, at), count);
              },
              shorts.slice(token * perToken +
                               (stream * parts + part) * tile.accumulators,
                           tile.accumulators));
      }
    }
  }

  void store(ArrayRef<Value> sums) {
    for (int64_t token = 0; token < operands.rows; ++token)
      for (int64_t stream = 0; stream < streams; ++stream)
        for (int64_t part = 0; part < parts; ++part)
          for (int64_t i = 0; i < 2 * tile.accumulators; ++i) {
            int64_t at = token * perToken +
                         (stream * parts + part) * tile.accumulators + i / 2;
            e.storeLanes(e.interleave(sums[2 * at], sums[2 * at + 1], 4, i % 2),
                         operands.products[stream], token,
                         kLanes * i + partBytes / 4 * part);
          }
  }

  TileEmitter e;
  const TileOperands &operands;
  const Geometry &geometry;
  const LookupTile &tile;
  const int64_t tableBytes, partBytes, parts, streams, perToken;
  const VectorType shortsType;
};

} // namespace

void bitnetc::emitLookupTile(OpBuilder &builder, Location loc,
                             const TargetInfo &target,
                             const TileOperands &operands,
                             const Geometry &geometry, int64_t tableBytes,
                             const LookupTile &tile) {
  Emitter(builder, loc, target, operands, geometry, tableBytes, tile).emit();
}
