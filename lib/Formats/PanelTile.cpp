//===- PanelTile.cpp - The loop of matrix-tile products -------------------===//
//
// A block of columns of the row tile is decoded into a panel in the nearest
// cache, then multiplied by 16 tokens after 16 tokens; the sums wait in the
// products' buffer between blocks. Decoding is thus shared by all tokens, and
// packed bytes are read once. (One block of 16 tokens by all row groups at a
// time was the fastest of the blockings tried by hand: 45 to 50 % of the peak
// at 128 tokens.)
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

/// Columns and bytes of one step, tokens of one product, rows of one group.
constexpr int64_t kStepCols = 4, kStepBytes = 64, kTokens = 16, kLanes = 16;
/// Columns of a panel: 24 KB for four groups, half of a 48 KB first-level
/// cache.
constexpr int64_t kPanelCols = 384;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PackingFormat &format,
          const TileOperands &operands)
      : e(builder, loc), builder(builder), loc(loc), format(format),
        operands(operands),
        groups(cast<MemRefType>(operands.products[0].getType()).getDimSize(1) /
               kLanes),
        steps((operands.columns + kStepCols - 1) / kStepCols),
        columns(ternary::getPaddedColumns(operands.columns)) {}

  void emit() {
    tokens = memref::DimOp::create(builder, loc, operands.activations, 0);
    initialize();
    int64_t width = std::min(kPanelCols, columns);
    Value panel = memref::AllocaOp::create(
        builder, loc,
        MemRefType::get({width / kStepCols, groups * kStepBytes},
                        builder.getI8Type()),
        builder.getI64IntegerAttr(kStepBytes));
    int64_t whole = columns / width * width;
    // The last block may have steps that the packed bytes lack.
    if (whole / kStepCols > steps)
      whole -= width;
    e.loop(0, whole, width, {}, [&](Value column, MutableArrayRef<Value>) {
      emitBlock(panel, column, width, width / kStepCols);
    });
    for (int64_t column = whole; column < columns; column += width) {
      int64_t count = std::min(width, columns - column);
      int64_t present = std::min(count / kStepCols, steps - column / kStepCols);
      emitBlock(panel, e.index(column), count, present);
    }
  }

private:
  Value mul(Value a, int64_t b) {
    return arith::MulIOp::create(builder, loc, a, e.index(b));
  }

  /// A loop from 0 to `end`; `body` emits one iteration.
  void forEach(Value end, int64_t step, function_ref<void(Value)> body) {
    auto loop =
        scf::ForOp::create(builder, loc, e.index(0), end, e.index(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  /// Codes are weights plus one, so products start at minus the sum of the
  /// activations.
  void initialize() {
    forEach(tokens, 1, [&](Value token) {
      Value sum = memref::LoadOp::create(builder, loc, operands.sums, token);
      VectorType lanes = e.lanesType(kLanes);
      Value start =
          e.sub(e.splat(lanes, 0),
                vector::BroadcastOp::create(builder, loc, lanes, sum));
      for (int64_t group = 0; group < groups; ++group)
        vector::StoreOp::create(builder, loc, start, operands.products[0],
                                ValueRange{token, e.index(group * kLanes)});
    });
  }

  /// One panel: `count` columns from `column` on, of which the first `present`
  /// steps have packed bytes; the rest meets activations that are zero.
  void emitBlock(Value panel, Value column, int64_t count, int64_t present) {
    Value firstByte =
        e.add(operands.tileOffsets[0], mul(column, kStepBytes / kStepCols));
    forEach(e.index(present), 1, [&](Value step) {
      Value offset = e.add(firstByte, mul(step, kStepBytes));
      if (operands.prefetch != 0)
        e.prefetch(operands.bytes, offset, operands.prefetch);
      Value bytes = e.loadBytes(operands.bytes, offset, kStepBytes);
      for (auto [group, codes] :
           llvm::enumerate(format.emitDecode(builder, loc, bytes)))
        store(codes, panel, step, group);
    });
    for (int64_t step = present; step < count / kStepCols; ++step)
      for (int64_t group = 0; group < groups; ++group)
        store(e.splat(e.bytesType(kStepBytes), 0), panel, e.index(step), group);

    OpFoldResult one = builder.getIndexAttr(1), zero = builder.getIndexAttr(0);
    auto size = [&](int64_t value) -> OpFoldResult {
      return builder.getIndexAttr(value);
    };
    SmallVector<OpFoldResult> strides(2, one);
    Value filled = memref::SubViewOp::create(
        builder, loc, panel, SmallVector<OpFoldResult>{zero, zero},
        SmallVector<OpFoldResult>{size(count / kStepCols),
                                  size(groups * kStepBytes)},
        strides);
    forEach(tokens, kTokens, [&](Value token) {
      Value x = memref::SubViewOp::create(
          builder, loc, operands.activations,
          SmallVector<OpFoldResult>{token, column},
          SmallVector<OpFoldResult>{size(kTokens), size(count)}, strides);
      Value products = memref::SubViewOp::create(
          builder, loc, operands.products[0],
          SmallVector<OpFoldResult>{token, zero},
          SmallVector<OpFoldResult>{size(kTokens), size(groups * kLanes)},
          strides);
      ternary::TileDotOp::create(builder, loc, x, filled, products);
    });
  }

  void store(Value codes, Value panel, Value step, int64_t group) {
    vector::StoreOp::create(builder, loc, codes, panel,
                            ValueRange{step, e.index(group * kStepBytes)});
  }

  TileEmitter e;
  OpBuilder &builder;
  Location loc;
  const PackingFormat &format;
  const TileOperands &operands;
  const int64_t groups, steps, columns;
  Value tokens;
};

} // namespace

void bitnetc::emitPanelTile(OpBuilder &builder, Location loc,
                            const PackingFormat &format,
                            const TileOperands &operands) {
  Emitter(builder, loc, format, operands).emit();
}
