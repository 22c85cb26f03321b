//===- DotPanel.cpp - The loop of dot products of a decoded row tile ------===//
//
// Where many tokens multiply a row tile and there are no matrix tiles, it is
// decoded once for all of them, as many columns at a time as stay in the first
// cache, the panel. Then a quad of columns is one load for each 16 rows and one
// broadcast for each token, and the dot products of all pairs. Sums stay in
// registers over the columns of a panel; between panels they wait where the
// products will be.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TileEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <algorithm>

using namespace mlir;
using namespace bitnetc;

namespace {

/// Most bytes of a panel: two thirds of a first cache of 48 KB. (24 KB take as
/// long; 16 and 40 KB take longer.)
constexpr int64_t kPanelBytes = 32 << 10;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TargetInfo &target, const TileOperands &operands)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        geometry(format.getGeometry()), operands(operands),
        groups(geometry.tileRows / kLanes),
        stepQuads(geometry.stepCols / kQuad),
        steps(geometry.getSteps(operands.columns)),
        quads((operands.columns + kQuad - 1) / kQuad),
        panelSteps(std::clamp<int64_t>(
            kPanelBytes / (groups * kVectorBytes) / stepQuads, 1, steps)),
        // Beside the sums: a quad's codes and one token's activations.
        block((int64_t(target.vectorRegisters) - groups - 1) / groups) {}

  void emit() {
    panel = memref::AllocaOp::create(
        builder, loc,
        MemRefType::get({panelSteps * stepQuads, groups * kVectorBytes},
                        builder.getI8Type()),
        builder.getI64IntegerAttr(kVectorBytes));
    Value zero = e.index(0);
    Value tokens = e.getTokens(operands), rest = e.remIndex(tokens, block);
    Value whole = e.sub(tokens, rest);
    e.forEach(zero, tokens, [&](Value token) { emitStart(token); });
    e.loop(0, steps, panelSteps, {}, [&](Value first, MutableArrayRef<Value>) {
      Value count = e.min(e.index(panelSteps), e.sub(e.index(steps), first));
      e.forEach(zero, count, [&](Value step) { emitDecode(first, step); });
      Value quad = e.mulIndex(first, stepQuads);
      Value end =
          e.min(e.index(panelSteps * stepQuads), e.sub(e.index(quads), quad));
      auto loop = scf::ForOp::create(builder, loc, zero, whole, e.index(block));
      {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(loop.getBody());
        emitBlock(block, loop.getInductionVar(), quad, end);
      }
      emitRest(whole, rest, quad, end);
    });
  }

private:
  /// Codes are weights plus one, so products start at minus the sum of the
  /// activations.
  void emitStart(Value token) {
    Value sum = e.broadcastSum(operands.sums, token, kLanes);
    Value start = e.sub(e.splat(e.lanesType(kLanes), 0), sum);
    for (int64_t group = 0; group < groups; ++group)
      e.storeRow(start, operands.products[0], token, e.index(group * kLanes));
  }

  void emitDecode(Value first, Value step) {
    Value offset = e.add(operands.tileOffsets[0],
                         e.mulIndex(e.add(first, step), geometry.stepBytes));
    if (operands.prefetch != 0)
      e.prefetchStep(operands.bytes, offset, geometry.stepBytes,
                     operands.prefetch);
    e.decodeStep(format, e.loadStep(operands.bytes, offset, geometry.stepBytes),
                 panel, e.mulIndex(step, stepQuads), groups);
  }

  /// What is left of the tokens: code for each number of them.
  void emitRest(Value token, Value rest, Value first, Value end) {
    auto cases = llvm::to_vector(llvm::seq<int64_t>(1, block));
    auto branch = scf::IndexSwitchOp::create(builder, loc, TypeRange(), rest,
                                             cases, cases.size());
    OpBuilder::InsertionGuard guard(builder);
    for (Region &region : branch->getRegions()) {
      builder.setInsertionPointToStart(&region.emplaceBlock());
      // The first region is for no tokens at all.
      if (int64_t count = region.getRegionNumber())
        emitBlock(count, token, first, end);
      scf::YieldOp::create(builder, loc);
    }
  }

  /// Adds the products of `count` tokens from `token` on with the first `end`
  /// quads of the panel, which begins with quad `first`.
  void emitBlock(int64_t count, Value token, Value first, Value end) {
    SmallVector<Value> acc;
    auto forSums = [&](function_ref<void(Value row, Value lane)> body) {
      for (int64_t i = 0; i < count; ++i)
        for (int64_t group = 0; group < groups; ++group)
          body(e.addIndex(token, i), e.index(group * kLanes));
    };
    Value products = operands.products[0];
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    int64_t columns =
        cast<MemRefType>(operands.activations.getType()).getDimSize(1);
    Value x = memref::SubViewOp::create(
        builder, loc, operands.activations, ArrayRef<OpFoldResult>{token, zero},
        {builder.getIndexAttr(count), builder.getIndexAttr(columns)},
        {one, one});
    forSums([&](Value row, Value lane) {
      acc.push_back(vector::LoadOp::create(builder, loc, e.lanesType(kLanes),
                                           products, ValueRange{row, lane}));
    });
    auto loop =
        scf::ForOp::create(builder, loc, e.index(0), end, e.index(1), acc);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      acc.assign(loop.getRegionIterArgs().begin(),
                 loop.getRegionIterArgs().end());
      emitQuad(count, x, first, loop.getInductionVar(), acc);
      scf::YieldOp::create(builder, loc, acc);
    }
    int64_t i = 0;
    forSums([&](Value row, Value lane) {
      e.storeRow(loop.getResult(i++), products, row, lane);
    });
  }

  void emitQuad(int64_t count, Value x, Value first, Value quad,
                MutableArrayRef<Value> acc) {
    SmallVector<Value> codes;
    for (int64_t group = 0; group < groups; ++group)
      codes.push_back(vector::LoadOp::create(
          builder, loc, e.bytesType(kVectorBytes), panel,
          ValueRange{quad, e.index(group * kVectorBytes)}));
    Value column = e.mulIndex(e.add(first, quad), kQuad);
    for (int64_t i = 0; i < count; ++i) {
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
  /// Groups of rows; quads of a step; steps with packed bytes, quads with
  /// activations, steps of a panel; tokens whose sums fill the registers.
  const int64_t groups, stepQuads, steps, quads, panelSteps, block;
  Value panel;
};

} // namespace

void bitnetc::emitDotPanel(OpBuilder &builder, Location loc,
                           const PackingFormat &format,
                           const TargetInfo &target,
                           const TileOperands &operands) {
  Emitter(builder, loc, format, target, operands).emit();
}
