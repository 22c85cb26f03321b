//===- BitNetOps.cpp - Verifiers and effects of bitnet operations ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/BitNet/Verify.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace bitnetc;
using namespace bitnetc::bitnet;

#define GET_OP_CLASSES
#include "dialects/BitNet/BitNetOps.cpp.inc"

BITNET_KERNEL(EmbeddingOp, 0, 2)
BITNET_KERNEL(RMSNormOp, 0, 2)
BITNET_KERNEL(BitLinearOp)
BITNET_KERNEL(RopeAnglesOp)
BITNET_KERNEL(RopeOp, 0, 1, 2)
BITNET_KERNEL(GatedActOp, 0, 1, 2)
BITNET_KERNEL(AddOp, 0, 1, 2)
BITNET_KERNEL(LMHeadOp)

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  if (getSources().has_value() == getValue().has_value()) // weight_c1
    return emitOpError("expected either sources or a value");
  if (auto value = getValue())
    if (auto shaped = dyn_cast<ShapedType>(getType()))
      if (value->getShapedType() != shaped) // weight_c1
        return emitOpError("expected a value of type ")
               << shaped << ", but got " << value->getShapedType();
  auto tensor = dyn_cast<RankedTensorType>(getType());
  bool isStatic = tensor && tensor.hasStaticShape();
  if (!isStatic && !isa<ternary::PackedType>(getType())) // weight_c2
    return emitOpError("expected a static tensor or packed type, but got ")
           << getType();
  return success();
}

int64_t WeightOp::getSizeInBytes() {
  if (auto packed = dyn_cast<ternary::PackedType>(getType()))
    return packed.getSizeInBytes();
  auto tensor = cast<RankedTensorType>(getType());
  return tensor.getNumElements() * tensor.getElementTypeBitWidth() / 8;
}

LogicalResult
WeightRefOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight =
      symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight) // weight_ref_c1
    return emitOpError("expected '")
           << getWeight() << "' to name a bitnet.weight";
  if (weight.getType() != getType()) // weight_ref_c1
    return emitOpError("expected type ")
           << weight.getType() << ", but got " << getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this),
                       lastDim(getTable().getType())); // embedding_c1
}

LogicalResult RMSNormOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  int64_t columns = lastDim(getX().getType()); // rms_norm_c1
  if (failed(verifyColumns(*this, "a gain", lastDim(getGain().getType()),
                           columns)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this), columns);
}

LogicalResult BitLinearOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  RankedTensorType weights = getWeights().getType();
  int64_t n = weights.getDimSize(0), k = weights.getDimSize(1);
  if (failed(verifyColumns(*this, "activations", lastDim(getX().getType()),
                           k))) // bitlinear_c1
    return failure();
  if (ternary::getRowsPerScale(lastDim(getScale().getType()), n) ==
      0) // bitlinear_c2
    return emitOpError("expected a scale for each of ")
           << n << " rows or for each " << ternary::kScaleRows << ", but got "
           << getScale().getType();
  if (failed(verifyColumns(*this, "a result", resultColumns(*this), n)))
    return failure();
  return verifyTokens(*this, getX().getType());
}

LogicalResult RopeAnglesOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  if (lastDim(getFrequencies().getType()) <= 0) // rope_angles_c1
    return emitOpError("expected a static number of frequencies, but got ")
           << getFrequencies().getType();
  if (failed(verifyColumns(*this, "a result", resultColumns(*this),
                           2 * lastDim(getFrequencies().getType()))))
    return failure();
  return verifyPlaces(*this, getPosition().getType(), // rope_angles_c2
                      ternary::getKernelResultType(*this, 0));
}

LogicalResult RopeOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  int64_t columns = lastDim(getX().getType());
  int64_t dim = lastDim(getAngles().getType());
  if (dim <= 0 || dim % 2 != 0) // rope_c1
    return emitOpError("expected angles with a positive, even number of "
                       "columns, but got ")
           << getAngles().getType();
  if (columns % dim != 0) // rope_c1
    return emitOpError("expected a multiple of ")
           << dim << " columns, but got " << columns;
  return verifyColumns(*this, "a result", resultColumns(*this),
                       columns); // rope_c2
}

LogicalResult GatedActOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  int64_t columns = lastDim(getGate().getType()); // gated_act_c1
  if (failed(verifyColumns(*this, "an up projection",
                           lastDim(getUp().getType()), columns)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this), columns);
}

LogicalResult AddOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  int64_t columns = lastDim(getLhs().getType()); // add_c1
  if (failed(verifyColumns(*this, "a second operand",
                           lastDim(getRhs().getType()), columns)))
    return failure();
  return verifyColumns(*this, "a result", resultColumns(*this), columns);
}

LogicalResult LMHeadOp::verify() {
  if (failed(verifyF32Result(*this)))
    return failure();
  auto table = cast<ShapedType>(getTable().getType());
  if (failed(verifyColumns(*this, "hidden states", lastDim(getX().getType()),
                           table.getDimSize(1)))) // lm_head_c1
    return failure();
  if (failed(verifyColumns(*this, "a result", resultColumns(*this),
                           table.getDimSize(0)))) // lm_head_c2
    return failure();
  return verifyTokens(*this, getX().getType());
}

//===----------------------------------------------------------------------===//
// Parallel
//===----------------------------------------------------------------------===//

void ParallelOp::build(OpBuilder &builder, OperationState &state, Value count) {
  state.addOperands(count);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(state.addRegion());
  block->addArguments({count.getType(), count.getType()},
                      {state.location, state.location});
  YieldOp::create(builder, state.location);
}

LogicalResult ParallelOp::verify() {
  if ((*this)->getParentOfType<ParallelOp>()) // parallel_c2
    return emitOpError("expected no parallel loop inside another");
  return success();
}

LogicalResult ParallelOp::verifyRegions() {
  Block &entry = getBody().front();
  Type type = getCount().getType();
  if (entry.getNumArguments() != 2 || entry.getArgument(0).getType() != type ||
      entry.getArgument(1).getType() != type) // parallel_c1
    return emitOpError("expected a region with two arguments of type ") << type;
  return success();
}

void ParallelOp::print(OpAsmPrinter &p) {
  p << " (" << getBegin() << ", " << getEnd() << ") of " << getCount() << " : "
    << getCount().getType() << " ";
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                /*printBlockTerminators=*/getBody().getBlocks().size() > 1);
  p.printOptionalAttrDict((*this)->getAttrs());
}

ParseResult ParallelOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::Argument begin, end;
  OpAsmParser::UnresolvedOperand count;
  Type type;
  if (parser.parseLParen() || parser.parseArgument(begin) ||
      parser.parseComma() || parser.parseArgument(end) ||
      parser.parseRParen() || parser.parseKeyword("of") ||
      parser.parseOperand(count) || parser.parseColonType(type) ||
      parser.resolveOperand(count, type, result.operands))
    return failure();
  begin.type = end.type = type;
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, {begin, end}) ||
      parser.parseOptionalAttrDict(result.attributes))
    return failure();
  if (body->back().empty() ||
      !body->back().back().hasTrait<OpTrait::IsTerminator>()) {
    // The region has no operation yet that would know the context.
    OpBuilder b(parser.getContext());
    b.setInsertionPointToEnd(&body->back());
    YieldOp::create(b, result.location);
  }
  return success();
}
