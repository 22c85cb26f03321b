//===- DotPanel.cpp - The loop of dot products of a decoded row tile ------===//
//
// Where many tokens multiply a row tile and there are no matrix tiles, the tile
// is decoded once, into a panel that stays in the second cache. Then a quad of
// columns is one load for each 16 rows and one broadcast for each token,
// and the dot products of all pairs: nothing else runs where they run. Sums
// stay in registers over all columns.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace bitnetc;

namespace {

/// Quads that the panel is fetched ahead of its use into the nearest cache.
constexpr int64_t kQuadsAhead = 8;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TargetInfo &target, const TileOperands &operands)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands),
        groups(geometry.tileRows / kLanes),
        quads((operands.columns + kQuad - 1) / kQuad),
        // Beside the sums: a quad's codes and one token's activations.
        block((int64_t(target.vectorRegisters) - groups - 1) / groups) {}

  void emit() {
    int64_t steps = geometry.getSteps(operands.columns);
    int64_t stepQuads = geometry.stepCols / kQuad;
    panel = memref::AllocaOp::create(
        builder, loc,
        MemRefType::get({steps * stepQuads, groups * kVectorBytes},
                        builder.getI8Type()),
        builder.getI64IntegerAttr(kVectorBytes));
    e.loop(0, steps, 1, {},
           [&](Value step, MutableArrayRef<Value>) { decode(step); });

    // The last block starts early enough to be whole: products of some tokens
    // are computed twice, equally.
    Value count = memref::DimOp::create(builder, loc, operands.activations, 0);
    Value last = arith::SubIOp::create(builder, loc, count, e.index(block));
    auto loop =
        scf::ForOp::create(builder, loc, e.index(0), count, e.index(block));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitBlock(
        arith::MinUIOp::create(builder, loc, loop.getInductionVar(), last));
  }

private:
  void decode(Value step) {
    Value offset =
        e.add(operands.tileOffsets[0], e.mulIndex(step, geometry.stepBytes));
    if (operands.prefetch != 0)
      e.prefetchStep(operands.bytes, offset, geometry.stepBytes,
                     operands.prefetch);
    e.decodeStep(format, e.loadStep(operands.bytes, offset, geometry.stepBytes),
                 panel, e.mulIndex(step, geometry.stepCols / kQuad), groups);
  }

  /// The products of `block` tokens from `token` on.
  void emitBlock(Value token) {
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    int64_t columns =
        cast<MemRefType>(operands.activations.getType()).getDimSize(1);
    Value x = memref::SubViewOp::create(
        builder, loc, operands.activations,
        SmallVector<OpFoldResult>{token, zero},
        SmallVector<OpFoldResult>{builder.getIndexAttr(block),
                                  builder.getIndexAttr(columns)},
        SmallVector<OpFoldResult>{one, one});
    VectorType lanes = e.lanesType(kLanes);
    SmallVector<Value> acc(block * groups, e.splat(lanes, 0));
    acc =
        e.loop(0, quads, 1, acc, [&](Value quad, MutableArrayRef<Value> sums) {
          emitQuad(x, quad, sums);
        });
    for (int64_t i = 0; i < block; ++i) {
      Value row = e.addIndex(token, i);
      Value sum = e.broadcastSum(operands.sums, row, kLanes);
      for (int64_t group = 0; group < groups; ++group)
        e.storeRow(e.sub(acc[i * groups + group], sum), operands.products[0],
                   row, e.index(group * kLanes));
    }
  }

  void emitQuad(Value x, Value quad, MutableArrayRef<Value> acc) {
    SmallVector<Value> codes;
    for (int64_t group = 0; group < groups; ++group) {
      Value at = e.index(group * kVectorBytes);
      memref::PrefetchOp::create(builder, loc, panel,
                                 ValueRange{e.addIndex(quad, kQuadsAhead), at},
                                 /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
      codes.push_back(vector::LoadOp::create(builder, loc,
                                             e.bytesType(kVectorBytes), panel,
                                             ValueRange{quad, at}));
    }
    Value column = e.mulIndex(quad, kQuad);
    for (int64_t i = 0; i < block; ++i) {
      Value activations = e.broadcastFour(x, i, column, kVectorBytes);
      for (int64_t group = 0; group < groups; ++group)
        acc[i * groups + group] = e.dot4(acc[i * groups + group], codes[group],
                                         activations, kMaxCode);
    }
  }

  TileEmitter e;
  OpBuilder &builder;
  Location loc;
  const PackingFormat &format;
  const Geometry geometry;
  const TileOperands &operands;
  const int64_t groups, quads, block;
  Value panel;
};

} // namespace

void bitnetc::emitDotPanel(OpBuilder &builder, Location loc,
                           const PackingFormat &format,
                           const TargetInfo &target,
                           const TileOperands &operands) {
  Emitter(builder, loc, format, target, operands).emit();
}
