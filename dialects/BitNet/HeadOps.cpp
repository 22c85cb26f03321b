//===- HeadOps.cpp - Verifiers and effects of the screened head -----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/BitNet/HeadTable.h"
#include "dialects/BitNet/Verify.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::bitnet;

BITNET_KERNEL(FixedPointOp)
BITNET_KERNEL(ScreenHeadOp)
BITNET_KERNEL(IntegerHeadOp)
BITNET_KERNEL(KthLargestOp, 0, 2)
BITNET_KERNEL(RescoreHeadOp)

LogicalResult FixedPointOp::verify() {
  unsigned count = std::max<unsigned>(getNumResults(), getOuts().size());
  auto isData = [&](unsigned i, Type element, int64_t columns) {
    ShapedType type = ternary::getKernelResultType(*this, i);
    return type.getElementType() == element && type.getRank() == 2 &&
           type.getDimSize(1) == columns;
  };
  int64_t columns = 2 * getHeadColumns(lastDim(getX().getType()));
  Builder builder(getContext());
  if (count != 2 || !isData(0, builder.getI8Type(), columns) ||
      !isData(1, builder.getF32Type(), 3)) // fixed_point_c1
    return emitOpError("expected two results of rank 2, bytes with ")
           << columns << " columns and f32 with 3";
  return ternary::verifySameTokens(
      *this, {getX().getType(), ternary::getKernelResultType(*this, 0),
              ternary::getKernelResultType(*this, 1)});
}

/// Checks digits, facts, table and facts of rows of a head of `bits`, and that
/// its logits are `rows` that fill its tiles.
template <typename Op>
static LogicalResult verifyTable(Op op, unsigned bits, int64_t rows) {
  int64_t columns = lastDim(op.getDigits().getType()) / 2;
  auto table = cast<ShapedType>(op.getTable().getType());
  if (columns % kHeadGroup != 0 || columns <= 0)
    return op.emitOpError("expected digits with a multiple of ")
           << 2 * kHeadGroup << " columns, but got "
           << op.getDigits().getType();
  if (failed(verifyColumns(op, "a table", table.getDimSize(1),
                           getHeadTileBytes(bits, columns))))
    return failure();
  if (failed(verifyColumns(op, "facts of states",
                           lastDim(op.getFacts().getType()), 3)))
    return failure();
  if (failed(verifyColumns(op, "facts of rows",
                           lastDim(op.getRowFacts().getType()),
                           getHeadTileFacts(bits))))
    return failure();
  int64_t tiles = table.getDimSize(0);
  if (rows < 1 || llvm::divideCeil(rows, kHeadTileRows) != uint64_t(tiles))
    return op.emitOpError("expected a row for each column of the result, ")
           << kHeadTileRows << " to a tile, but got " << rows << " columns and "
           << tiles << " tiles";
  auto rowFacts = cast<ShapedType>(op.getRowFacts().getType());
  if (rowFacts.getDimSize(0) != tiles)
    return op.emitOpError("expected facts of ")
           << tiles << " tiles, but got " << rowFacts;
  return ternary::verifySameTokens(op, {op.getDigits().getType(),
                                        op.getFacts().getType(),
                                        ternary::getKernelResultType(op, 0)});
}

LogicalResult ScreenHeadOp::verify() {
  if (failed(verifyF32Results(*this, 2))) // screen_head_c3
    return failure();
  // screen_head_c1, screen_head_c2, screen_head_c3
  if (failed(verifyTable(*this, 7, resultColumns(*this))))
    return failure();
  if (failed(verifyColumns(*this, "peaks", resultColumns(*this, 1),
                           cast<ShapedType>(getTable().getType())
                               .getDimSize(0)))) // screen_head_c3
    return failure();
  return ternary::verifySameTokens(
      *this, {getDigits().getType(), ternary::getKernelResultType(*this, 1)});
}

LogicalResult IntegerHeadOp::verify() {
  if (getBits() != 8 && getBits() != 4) // integer_head_c1
    return emitOpError("expected 8 or 4 bits, but got ") << getBits();
  if (failed(verifyF32Result(*this))) // integer_head_c3
    return failure();
  // integer_head_c1, integer_head_c2, integer_head_c3
  return verifyTable(*this, getBits(), resultColumns(*this));
}

LogicalResult KthLargestOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this),
                       1); // kth_largest_c1
}

LogicalResult RescoreHeadOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  auto table = cast<ShapedType>(getTable().getType());
  if (failed(verifyColumns(*this, "hidden states", lastDim(getX().getType()),
                           table.getDimSize(1)))) // rescore_head_c1
    return failure();
  if (failed(verifyColumns(*this, "a threshold",
                           lastDim(getThreshold().getType()), 1)))
    return failure();
  if (failed(verifyColumns(*this, "upper bounds", lastDim(getUpper().getType()),
                           table.getDimSize(0)))) // rescore_head_c2
    return failure();
  if (failed(verifyColumns(*this, "a result", resultColumns(*this),
                           table.getDimSize(0))))
    return failure();
  return ternary::verifySameTokens(
      *this, {getX().getType(), getUpper().getType(), getThreshold().getType(),
              ternary::getKernelResultType(*this, 0)});
}
