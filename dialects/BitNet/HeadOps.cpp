//===- HeadOps.cpp - Verifiers and effects of the screened head -----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/BitNet/Verify.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::bitnet;

BITNET_KERNEL(RowLengthOp, 0, 1)
BITNET_KERNEL(ScreenHeadOp)
BITNET_KERNEL(KthLargestOp, 0, 2)
BITNET_KERNEL(RescoreHeadOp)

LogicalResult RowLengthOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this),
                       1); // row_length_c1
}

LogicalResult ScreenHeadOp::verify() {
  if (failed(verifyF32Results(*this, 2))) // screen_head_c3
    return failure();
  auto sketch = cast<ShapedType>(getSketch().getType());
  int64_t rows = sketch.getDimSize(0);
  if (failed(verifyColumns(*this, "hidden states", lastDim(getX().getType()),
                           sketch.getDimSize(1)))) // screen_head_c1
    return failure();
  if (failed(
          verifyColumns(*this, "a length", lastDim(getLength().getType()), 1)))
    return failure();
  if (failed(verifyColumns(*this, "a scale", lastDim(getScale().getType()),
                           rows))) // screen_head_c2
    return failure();
  if (failed(
          verifyColumns(*this, "a bound", lastDim(getBound().getType()), rows)))
    return failure();
  if (getBlock() < 1 || rows < 1) // screen_head_c3
    return emitOpError("expected blocks of at least one row of a static "
                       "number, but got ")
           << getBlock() << " of " << sketch;
  if (failed(
          verifyColumns(*this, "upper bounds", resultColumns(*this, 0), rows)))
    return failure();
  if (failed(verifyColumns(*this, "peaks", resultColumns(*this, 1),
                           llvm::divideCeil(rows, getBlock()))))
    return failure();
  return ternary::verifySameTokens(*this,
                                   {getX().getType(), getLength().getType(),
                                    ternary::getKernelResultType(*this, 0),
                                    ternary::getKernelResultType(*this, 1)});
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
