//===- TernaryOps.cpp - Verifiers and effects of ternary operations -------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/Ternary/Ternary.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace bitnetc::ternary;

#define GET_OP_CLASSES
#include "dialects/Ternary/TernaryOps.cpp.inc"

//===----------------------------------------------------------------------===//
// The two forms
//===----------------------------------------------------------------------===//

LogicalResult bitnetc::ternary::verifyKernelForm(Operation *op) {
  auto kernel = cast<KernelOpInterface>(op);
  bool memrefForm = llvm::any_of(
      op->getOperandTypes(), [](Type type) { return isa<MemRefType>(type); });
  if (memrefForm && op->getNumResults() != 0) // kernel_c1
    return op->emitOpError("expected no results in memref form");
  for (Type type : op->getOperandTypes()) // kernel_c2
    if (memrefForm && isa<RankedTensorType>(type))
      return op->emitOpError("expected tensors or memrefs, but got both");
  // In tensor form results stand where destinations would.
  SmallVector<Type> types(op->getOperandTypes()), tokenTypes;
  llvm::append_range(types, op->getResultTypes());
  for (unsigned i : kernel.getTokenOperands())
    if (i < types.size())
      tokenTypes.push_back(types[i]);
  return verifySameTokens(op, tokenTypes); // kernel_c4
}

LogicalResult bitnetc::ternary::verifySameTokens(Operation *op,
                                                 TypeRange types) {
  int64_t tokens = ShapedType::kDynamic;
  for (Type type : types) {
    auto shaped = cast<ShapedType>(type);
    if (shaped.getRank() == 0 || shaped.isDynamicDim(0))
      continue;
    if (!ShapedType::isDynamic(tokens) && tokens != shaped.getDimSize(0))
      return op->emitOpError("expected the same number of tokens everywhere, "
                             "but got ")
             << tokens << " and " << shaped.getDimSize(0);
    tokens = shaped.getDimSize(0);
  }
  return success();
}

void bitnetc::ternary::getKernelEffects(
    Operation *op, OperandRange outs,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (outs.empty())
    return; // tensor form: pure
  unsigned firstOut = outs.getBeginOperandIndex();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (operand.getOperandNumber() >= firstOut)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

ShapedType bitnetc::ternary::getKernelResultType(Operation *op,
                                                 unsigned index) {
  if (op->getNumResults())
    return cast<ShapedType>(op->getResult(index).getType());
  return cast<ShapedType>(
      cast<KernelOpInterface>(op).getOuts()[index].getType());
}

/// Checks the number of results or destinations, their element types and that
/// the first has tokens and columns, the others one number for each token.
static LogicalResult verifyResults(Operation *op,
                                   ArrayRef<Type> elements) { // kernel_c3
  unsigned count = std::max<unsigned>(
      op->getNumResults(), cast<KernelOpInterface>(op).getOuts().size());
  if (count != elements.size())
    return op->emitOpError("expected ")
           << elements.size() << " results or destinations, but got " << count;
  for (auto [i, element] : llvm::enumerate(elements)) {
    ShapedType type = getKernelResultType(op, i);
    int64_t rank = i == 0 ? 2 : 1;
    if (type.getElementType() != element || type.getRank() != rank)
      return op->emitOpError("expected result ")
             << i << " to have elements of type " << element << " and rank "
             << rank << ", but got " << type;
  }
  return success();
}

static int64_t lastDim(Type type) {
  return cast<ShapedType>(type).getShape().back();
}

/// N and K of an unpacked or packed matrix.
static std::pair<int64_t, int64_t> getMatrixShape(Type type) {
  if (auto packed = dyn_cast<PackedType>(type))
    return {packed.getN(), packed.getK()};
  auto tensor = cast<RankedTensorType>(type);
  return {tensor.getDimSize(0), tensor.getDimSize(1)};
}

#define KERNEL_EFFECTS(OP)                                                     \
  void OP::getEffects(                                                         \
      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>      \
          &effects) {                                                          \
    getKernelEffects(*this, getOuts(), effects);                               \
  }
KERNEL_EFFECTS(QuantizeOp)
KERNEL_EFFECTS(MatmulOp)
KERNEL_EFFECTS(BuildLutOp)
KERNEL_EFFECTS(LutMatmulOp)
KERNEL_EFFECTS(RescaleOp)
#undef KERNEL_EFFECTS

//===----------------------------------------------------------------------===//
// Tensor-level operations
//===----------------------------------------------------------------------===//

SmallVector<unsigned> QuantizeOp::getTokenOperands() { return {0, 1, 2, 3}; }

LogicalResult QuantizeOp::verify() {
  Builder b(getContext());
  if (failed(verifyResults(*this,
                           {b.getI8Type(), b.getF32Type(), b.getI32Type()})))
    return failure();
  if (lastDim(getX().getType()) <= 0) // quantize_c1
    return emitOpError("expected a static number of columns, but got ")
           << getX().getType();
  int64_t expected = getPaddedColumns(lastDim(getX().getType()));
  int64_t got = lastDim(getKernelResultType(*this, 0));
  if (got != expected) // quantize_c1
    return emitOpError("expected quantised activations with ")
           << expected << " columns, but got " << got;
  return success();
}

template <typename OpT> static LogicalResult verifyPackLike(OpT op) {
  if (getMatrixShape(op.getWeights().getType()) !=
      getMatrixShape(op.getPacked().getType())) // pack_c1, unpack_c1
    return op.emitOpError("expected the same N and K, but got ")
           << op.getWeights().getType() << " and " << op.getPacked().getType();
  return success();
}
LogicalResult PackOp::verify() { return verifyPackLike(*this); }
LogicalResult UnpackOp::verify() { return verifyPackLike(*this); }

OpFoldResult UnpackOp::fold(FoldAdaptor) {
  if (auto pack = getPacked().getDefiningOp<PackOp>())
    return pack.getWeights();
  return {};
}

LogicalResult ViewOp::verify() {
  int64_t expected = getPacked().getType().getSizeInBytes();
  int64_t got = getBytes().getType().getDimSize(0);
  if (got != expected) // view_c1
    return emitOpError("expected ") << expected << " bytes, but got " << got;
  return success();
}

LogicalResult TileOp::verify() {
  PackedType source = getSource().getType(), tile = getTile().getType();
  PackedType expected =
      PackedType::get(getContext(), source.getFormat().getTileRows(),
                      source.getK(), source.getFormat());
  if (tile != expected) // tile_c1
    return emitOpError("expected a tile of type ")
           << expected << ", but got " << tile;
  return success();
}

SmallVector<unsigned> MatmulOp::getTokenOperands() { return {}; }

LogicalResult MatmulOp::verify() {
  if (failed(verifyResults(*this, {Builder(getContext()).getI32Type()})))
    return failure();
  auto [n, k] = getMatrixShape(getWeights().getType());
  int64_t columns = lastDim(getActivations().getType());
  if (columns != getPaddedColumns(k)) // matmul_c1
    return emitOpError("expected activations with ")
           << getPaddedColumns(k) << " columns, but got " << columns;
  if (lastDim(getKernelResultType(*this, 0)) != n) // matmul_c2
    return emitOpError("expected a result with ")
           << n << " columns, but got "
           << lastDim(getKernelResultType(*this, 0));
  auto packed = dyn_cast<PackedType>(getWeights().getType());
  int64_t limit = packed ? packed.getFormat().getColumnLimit() : kColumnLimit;
  if (k >= limit) // matmul_c3
    return emitOpError("expected K below ") << limit << ", but got " << k;
  return verifySameTokens(*this,
                          {getActivations().getType(), getSums().getType(),
                           getKernelResultType(*this, 0)});
}

SmallVector<unsigned> BuildLutOp::getTokenOperands() { return {0, 1}; }

LogicalResult BuildLutOp::verify() {
  if (failed(verifyResults(*this, {Builder(getContext()).getI8Type()})))
    return failure();
  if (lastDim(getActivations().getType()) <= 0) // build_lut_c1
    return emitOpError("expected a static number of columns, but got ")
           << getActivations().getType();
  if (!getFormat().usesTables()) // build_lut_c2
    return emitOpError("expected a format that uses tables, but got '")
           << getFormat().getFormatName() << "'";
  int64_t expected =
      getFormat().getTableBytes(lastDim(getActivations().getType()));
  if (lastDim(getKernelResultType(*this, 0)) != expected) // build_lut_c1
    return emitOpError("expected tables of ")
           << expected << " bytes per token, but got "
           << lastDim(getKernelResultType(*this, 0));
  return success();
}

SmallVector<unsigned> LutMatmulOp::getTokenOperands() { return {}; }

LogicalResult LutMatmulOp::verify() {
  if (failed(verifyResults(*this, {Builder(getContext()).getI32Type()})))
    return failure();
  PackedType weights = getWeights().getType();
  if (!weights.getFormat().usesTables()) // lut_matmul_c3
    return emitOpError("expected a format that uses tables, but got '")
           << weights.getFormat().getFormatName() << "'";
  int64_t expected =
      weights.getFormat().getTableBytes(getPaddedColumns(weights.getK()));
  if (lastDim(getTables().getType()) != expected) // lut_matmul_c1
    return emitOpError("expected tables of ")
           << expected << " bytes per token, but got "
           << lastDim(getTables().getType());
  if (lastDim(getKernelResultType(*this, 0)) != weights.getN()) // lut_matmul_c2
    return emitOpError("expected a result with ")
           << weights.getN() << " columns, but got "
           << lastDim(getKernelResultType(*this, 0));
  return verifySameTokens(
      *this, {getTables().getType(), getKernelResultType(*this, 0)});
}

SmallVector<unsigned> RescaleOp::getTokenOperands() { return {0, 1, 3}; }

int64_t RescaleOp::getRowsPerScale() {
  return ternary::getRowsPerScale(lastDim(getScale().getType()),
                                  lastDim(getProducts().getType()));
}

LogicalResult RescaleOp::verify() {
  if (failed(verifyResults(*this, {Builder(getContext()).getF32Type()})))
    return failure();
  int64_t n = lastDim(getProducts().getType());
  if (lastDim(getKernelResultType(*this, 0)) != n) // rescale_c1
    return emitOpError("expected products and result with the same last "
                       "dimension");
  if (getRowsPerScale() == 0)
    return emitOpError("expected a scale for each of ")
           << n << " columns or for each " << kScaleRows << ", but got "
           << getScale().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Micro-operations
//===----------------------------------------------------------------------===//

LogicalResult Dot4Op::verify() {
  int64_t lanes = getAcc().getType().getNumElements();
  int64_t bytes = getLhs().getType().getNumElements();
  if (bytes != 4 * lanes || lanes % 4 != 0) // dot4_c1
    return emitOpError("expected a multiple of 4 lanes and four bytes per "
                       "lane, but got ")
           << lanes << " lanes and " << bytes << " bytes";
  if (getMax() < 1 || getMax() > 255) // dot4_c2
    return emitOpError("expected 'max' between 1 and 255, but got ")
           << getMax();
  return success();
}

LogicalResult ByteLookupOp::verify() {
  if (getIndices().getType().getNumElements() % 16 != 0) // byte_lookup_c1
    return emitOpError("expected a multiple of 16 indices, but got ")
           << getIndices().getType().getNumElements();
  return success();
}

LogicalResult Dot2Op::verify() {
  int64_t words = getAcc().getType().getNumElements();
  int64_t bytes = getLhs().getType().getNumElements();
  if (bytes != 2 * words || words % 8 != 0) // dot2_c1
    return emitOpError("expected a multiple of 8 words and two bytes per word, "
                       "but got ")
           << words << " words and " << bytes << " bytes";
  if (getMax() < 1 || getMax() > 127) // dot2_c2
    return emitOpError("expected 'max' between 1 and 127, but got ")
           << getMax();
  return success();
}

LogicalResult WordLookupOp::verify() {
  if (getIndices().getType().getNumElements() % 32 != 0) // word_lookup_c1
    return emitOpError("expected a multiple of 32 indices, but got ")
           << getIndices().getType().getNumElements();
  return success();
}

void TileDotOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &activations : getActivationsMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &activations);
  effects.emplace_back(MemoryEffects::Read::get(), &getPanelMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getProductsMutable());
}

LogicalResult TileDotOp::verify() {
  ArrayRef<int64_t> panel = getPanel().getType().getShape();
  ArrayRef<int64_t> products = getProducts().getType().getShape();
  TypeRange tiles = getActivations().getTypes();
  auto isTile = [&](Type type) {
    ArrayRef<int64_t> x = cast<MemRefType>(type).getShape();
    return x[0] == 16 && x[1] > 0 && x[1] % 64 == 0 &&
           x[1] == cast<MemRefType>(tiles[0]).getDimSize(1);
  };
  if (tiles.empty() || !llvm::all_of(tiles, isTile) || panel[0] <= 0 ||
      panel[1] <= 0 || panel[1] % 16 != 0 || panel[2] != 64)
    return emitOpError("expected activations of 16 rows and a multiple of 64 "
                       "columns and a panel whose parts have a multiple of 16 "
                       "rows of 64 bytes, but got ")
           << tiles << " and " << getPanel().getType(); // tile_dot_c1
  // Of eight tile registers, products leave one for tokens and one for weights.
  int64_t count = tiles.size(), groups = products[1] / 16;
  if (products[0] != 16 * count || products[1] % 16 != 0 || groups < 1 ||
      groups > panel[1] / 16 || count * groups > 6)
    return emitOpError("expected a row of products for each row of activations "
                       "and 16 columns for each of at most ")
           << panel[1] / 16 << " groups, in at most 6 tiles, but got "
           << getProducts().getType(); // tile_dot_c2
  if (!getBeside().empty() &&
      (getBeside().getNumArguments() != 1 ||
       !getBeside().getArgument(0).getType().isIndex())) // tile_dot_c3
    return emitOpError("expected one argument of 'beside', the column, an "
                       "index");
  if (getStep() > 64 || !llvm::isPowerOf2_64(getStep())) // tile_dot_c4
    return emitOpError("expected a step that is a power of two up to 64, but "
                       "got ")
           << getStep();
  return success();
}
