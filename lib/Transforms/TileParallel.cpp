//===- TileParallel.cpp - Share operations out among threads --------------===//
//
// What is one item: a row tile of a product (with the rescaling that reads it),
// a token of a token-wise operation, a key-value head of some tokens of
// attention (of one part of the positions, where there is one token), a block
// of vocabulary rows of the head. A sum is cut only where its definition cuts
// it, so results do not depend on the threads.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "ParallelEmitter.h"
#include "TileAttention.h"
#include "bitnetc/Formats/CostModel.h"
#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "dialects/BitNet/HeadTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace bitnetc {
#define GEN_PASS_DEF_TERNARYTILEPARALLEL
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;
using Emitter = ParallelEmitter;
using ternary::KernelOpInterface;

namespace {

/// Vocabulary rows of one item of the head: enough to share the loads of the
/// hidden state, few enough to balance threads.
constexpr int64_t kHeadRows = 16;

/// The same of a head of integers, which reads two runs of tiles side by side:
/// best if they are 80 to 600 KB apart, 160 KB for 2560 columns.
constexpr int64_t kTableRows = 8 * bitnet::kHeadTileRows;

/// Most tokens of a step that continues sequences.
constexpr int64_t kStepTokens = 16;

/// Floats of a cache line.
constexpr int64_t kLineFloats = 16;

/// Clones `op` with new operands.
void cloneWith(Emitter &e, Operation *op, ValueRange operands) {
  Operation *clone = e.builder.clone(*op);
  clone->setOperands(operands);
}

/// Runs a token-wise operation for every token, or leaves it alone if there is
/// only one. `tokenOperands` are sliced.
void tileTokens(Operation *op, ArrayRef<unsigned> tokenOperands) {
  auto type = cast<MemRefType>(op->getOperand(tokenOperands[0]).getType());
  if (type.getDimSize(0) == 1)
    return;
  Emitter e(op);
  Value tokens = e.value(e.size(op->getOperand(tokenOperands[0]), 0));
  e.parallelFor(tokens, [&](Value token) {
    SmallVector<Value> operands(op->getOperands());
    for (unsigned i : tokenOperands)
      operands[i] = sliceToken(e, operands[i], token);
    cloneWith(e, op, operands);
  });
  op->erase();
}

/// Fetches, while a row tile is multiplied, the scales that its products are
/// rescaled by, and for a single token the lines they are written to. A miss
/// between two tiles stops the stream of weights: 8 to 14 % from DRAM.
void prefetchRescale(Emitter &e, ternary::RescaleOp rescale, Value row,
                     int64_t rows, bool nontemporal) {
  Value scale = rescale.getScale(), out = rescale.getOuts()[0];
  auto fetch = [&](Value memref, ValueRange indices, bool isWrite) {
    memref::PrefetchOp::create(e.builder, e.loc, memref, indices, isWrite,
                               /*localityHint=*/3, /*isDataCache=*/true);
  };
  int64_t rowsPerScale = rescale.getRowsPerScale();
  bool single = cast<MemRefType>(out.getType()).getDimSize(0) == 1;
  for (int64_t i = 0; i < rows; i += kLineFloats) {
    Value column = e.add(row, e.index(i));
    if (rowsPerScale == 1)
      fetch(scale, column, /*isWrite=*/false);
    if (single && !nontemporal)
      fetch(out, {e.index(0), column}, /*isWrite=*/true);
  }
  // A line has the scales of several tiles: the next one.
  if (rowsPerScale != 1)
    fetch(scale,
          e.add(arith::DivUIOp::create(e.builder, e.loc, row,
                                       e.index(rowsPerScale)),
                e.index(kLineFloats)),
          /*isWrite=*/false);
}

/// Says of a function's argument that it starts at a cache line.
constexpr StringLiteral kAligned = "bitnet.aligned";

/// True for memory that starts at a cache line: buffers will have a place in
/// the arena.
bool startsAtLine(Value memref) {
  if (memref.getDefiningOp<memref::AllocOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(memref);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : nullptr;
  return function && function.getArgAttr(argument.getArgNumber(), kAligned);
}

/// True if `rows` results for each token are better stored past the caches:
/// those of a step, and those of a prompt that half of the second-level cache,
/// `cacheBytes`, would not keep until they are read.
bool skipsCaches(Operation *op, Value out, int64_t rows, double cacheBytes) {
  if (!startsAtLine(out))
    return false;
  if (cast<MemRefType>(out.getType()).getDimSize(0) == 1)
    return true;
  auto function = op->getParentOfType<func::FuncOp>();
  auto most = function->getAttrOfType<IntegerAttr>("bitnet.max_tokens");
  if (!most || rows % kLineFloats != 0)
    return false;
  return most.getInt() <= kStepTokens ||
         static_cast<double>(most.getInt()) * rows * sizeof(float) >
             cacheBytes / 2;
}

/// Product and rescaling of a whole matrix -> loop over its row tiles. With a
/// second-level cache of `cacheBytes`, if that is not 0, results may go past
/// it.
LogicalResult tileProduct(Operation *product, unsigned weightsOperand,
                          double cacheBytes) {
  Value products = product->getOperands().back();
  ternary::RescaleOp rescale;
  for (Operation *user : products.getUsers()) {
    if (user == product || isa<memref::AllocOp, memref::DimOp>(user))
      continue;
    auto candidate = dyn_cast<ternary::RescaleOp>(user);
    if (!candidate || rescale)
      return product->emitError("expected products to be read by one "
                                "ternary.rescale");
    rescale = candidate;
  }
  auto alloc = products.getDefiningOp<memref::AllocOp>();
  if (!rescale || !alloc || rescale.getProducts() != products)
    return product->emitError("expected products in a buffer of their own, "
                              "read by one ternary.rescale");

  // The product moves to where its rescaling is.
  if (product->getBlock() != rescale->getBlock())
    return product->emitError("expected the ternary.rescale of a product in "
                              "the same block");
  if (!product->isBeforeInBlock(rescale))
    return product->emitError("expected the ternary.rescale of a product "
                              "after it");
  for (Operation *op = product->getNextNode(); op != rescale;
       op = op->getNextNode())
    if (auto kernel = dyn_cast<KernelOpInterface>(op))
      for (Value out : kernel.getOuts())
        if (llvm::is_contained(product->getOperands(), out))
          return op->emitError("expected no operation between a product and "
                               "its ternary.rescale to write what the "
                               "product reads");

  Value weights = product->getOperand(weightsOperand);
  auto matrix = cast<ternary::PackedType>(weights.getType());
  int64_t tileRows = matrix.getFormat().getTileRows();
  int64_t fullTiles = matrix.getN() / tileRows;
  int64_t restRows = matrix.getN() % tileRows;
  auto tileType = ternary::PackedType::get(matrix.getContext(), tileRows,
                                           matrix.getK(), matrix.getFormat());

  Emitter e(rescale);
  Value out = rescale.getOuts()[0];
  OpFoldResult tokens = e.size(out, 0);
  bool nontemporal =
      cacheBytes != 0 && skipsCaches(product, out, matrix.getN(), cacheBytes);
  int64_t rowsPerScale = rescale.getRowsPerScale();
  e.parallelFor(e.index(matrix.getNumTiles()), [&](Value i) {
    Value tile =
        ternary::TileOp::create(e.builder, e.loc, tileType, weights, i);
    Value row = e.mul(i, tileRows);
    prefetchRescale(e, rescale, row, fullTiles == 0 ? restRows : tileRows,
                    nontemporal);
    auto accType = MemRefType::get(
        {cast<MemRefType>(out.getType()).getDimSize(0), tileRows},
        e.builder.getI32Type());
    SmallVector<Value> dynamic;
    if (auto value = dyn_cast<Value>(tokens))
      dynamic.push_back(value);
    Value acc = memref::AllocaOp::create(e.builder, e.loc, accType, dynamic,
                                         e.builder.getI64IntegerAttr(64));
    SmallVector<Value> operands(product->getOperands());
    operands[weightsOperand] = tile;
    operands.back() = acc;
    cloneWith(e, product, operands);
    auto emitRescale = [&](int64_t rows) {
      Value part = rows == tileRows ? acc
                                    : e.slice(acc, {e.attr(0), e.attr(0)},
                                              {tokens, e.attr(rows)});
      Value scale =
          e.slice(rescale.getScale(), {e.mul(i, tileRows / rowsPerScale)},
                  {e.attr(llvm::divideCeil(rows, rowsPerScale))});
      Value outPart = e.slice(out, {e.attr(0), row}, {tokens, e.attr(rows)});
      ternary::RescaleOp::create(e.builder, e.loc, TypeRange(), part,
                                 rescale.getInverse(), scale, outPart,
                                 nontemporal);
    };
    if (restRows == 0)
      return emitRescale(tileRows);
    if (fullTiles == 0)
      return emitRescale(restRows);
    // The last tile has fewer rows; their number stays a constant.
    Value isFull = arith::CmpIOp::create(
        e.builder, e.loc, arith::CmpIPredicate::slt, i, e.index(fullTiles));
    auto branch = scf::IfOp::create(e.builder, e.loc, isFull,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.builder);
    e.builder.setInsertionPointToStart(branch.thenBlock());
    emitRescale(tileRows);
    e.builder.setInsertionPointToStart(branch.elseBlock());
    emitRescale(restRows);
  });
  rescale.erase();
  product->erase();
  if (llvm::all_of(alloc->getUsers(),
                   [](Operation *user) { return isa<memref::DimOp>(user); })) {
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers())) {
      user->getResult(0).replaceAllUsesWith(alloc.getDynamicSizes()[0]);
      user->erase();
    }
    alloc.erase();
  }
  return success();
}

/// The head -> loop over blocks of vocabulary rows. The last block starts
/// early enough to be whole: its first rows are computed twice, equally.
LogicalResult tileHead(bitnet::LMHeadOp op) {
  Emitter e(op);
  auto table = cast<MemRefType>(op.getTable().getType());
  int64_t vocabulary = table.getDimSize(0), columns = table.getDimSize(1);
  if (vocabulary <= 0 || columns <= 0)
    return op.emitError("expected a table of a static size, but got ") << table;
  int64_t rows = std::min(kHeadRows, vocabulary);
  Value out = op.getOuts()[0];
  OpFoldResult tokens = e.size(out, 0);
  e.parallelFor(e.index((vocabulary + rows - 1) / rows), [&](Value i) {
    Value row = arith::MinUIOp::create(e.builder, e.loc, e.mul(i, rows),
                                       e.index(vocabulary - rows));
    Value block = e.slice(op.getTable(), {row, e.attr(0)},
                          {e.attr(rows), e.attr(columns)});
    Value logits = e.slice(out, {e.attr(0), row}, {tokens, e.attr(rows)});
    bitnet::LMHeadOp::create(e.builder, e.loc, TypeRange(), op.getX(), block,
                             logits);
  });
  op.erase();
  return success();
}

/// Blocks of `block` rows of a screened head; the last one may have fewer, and
/// none overlap: a row may be in one peak only, and be written by one thread.
/// `body(block, first row, rows)` emits one.
void forHeadBlocks(Emitter &e, int64_t vocabulary, int64_t block,
                   function_ref<void(Value, Value, int64_t)> body) {
  int64_t full = vocabulary / block, rest = vocabulary % block;
  e.parallelFor(e.index(full + (rest != 0)), [&](Value i) {
    Value row = e.mul(i, block);
    if (rest == 0)
      return body(i, row, block);
    if (full == 0)
      return body(i, row, rest);
    Value isFull = arith::CmpIOp::create(
        e.builder, e.loc, arith::CmpIPredicate::slt, i, e.index(full));
    auto branch = scf::IfOp::create(e.builder, e.loc, isFull,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.builder);
    e.builder.setInsertionPointToStart(branch.thenBlock());
    body(i, row, block);
    e.builder.setInsertionPointToStart(branch.elseBlock());
    body(i, row, rest);
  });
}

/// A head of integers, or the screening with one -> loop over runs of tiles.
template <typename Op> void tileTable(Op op) {
  Emitter e(op);
  OpFoldResult tokens = e.size(op.getDigits(), 0), zero = e.attr(0);
  SmallVector<Value> outs(op.getOuts());
  int64_t vocabulary = cast<MemRefType>(outs[0].getType()).getDimSize(1);
  constexpr int64_t tileRows = bitnet::kHeadTileRows;
  forHeadBlocks(
      e, vocabulary, kTableRows, [&](Value i, Value row, int64_t rows) {
        OpFoldResult tile = e.mul(i, kTableRows / tileRows);
        OpFoldResult tiles = e.attr(llvm::divideCeil(rows, tileRows));
        auto slices = [&](Value memref) {
          int64_t columns = cast<MemRefType>(memref.getType()).getDimSize(1);
          return e.slice(memref, {tile, zero}, {tiles, e.attr(columns)});
        };
        SmallVector<Value> parts;
        parts.push_back(e.slice(outs[0], {zero, row}, {tokens, e.attr(rows)}));
        if (outs.size() > 1)
          parts.push_back(e.slice(outs[1], {zero, tile}, {tokens, tiles}));
        SmallVector<Value> operands = {op.getDigits(), op.getFacts(),
                                       slices(op.getTable()),
                                       slices(op.getRowFacts())};
        operands.append(parts);
        cloneWith(e, op, operands);
      });
  op.erase();
}

void tileRescore(bitnet::RescoreHeadOp op) {
  Emitter e(op);
  auto table = cast<MemRefType>(op.getTable().getType());
  OpFoldResult tokens = e.size(op.getX(), 0);
  OpFoldResult columns = e.attr(table.getDimSize(1)), zero = e.attr(0);
  forHeadBlocks(
      e, table.getDimSize(0), kHeadRows, [&](Value, Value row, int64_t rows) {
        OpFoldResult count = e.attr(rows);
        Value part = e.slice(op.getTable(), {row, zero}, {count, columns});
        Value upper = e.slice(op.getUpper(), {zero, row}, {tokens, count});
        Value logits = e.slice(op.getOuts()[0], {zero, row}, {tokens, count});
        bitnet::RescoreHeadOp::create(e.builder, e.loc, TypeRange(), op.getX(),
                                      part, upper, op.getThreshold(), logits);
      });
  op.erase();
}

struct TernaryTileParallelPass
    : bitnetc::impl::TernaryTileParallelBase<TernaryTileParallelPass> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = getTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    double footprint = getFootprint(getOperation());
    cacheBytes = target->nontemporalResults &&
                         getMemoryLevel(*target, footprint, /*threads=*/1) ==
                             target->speed.levels[2].name
                     ? target->speed.levels[0].bytes
                     : 0;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !function.getBody().hasOneBlock())
        continue;
      SmallVector<Operation *> ops;
      for (Operation &op : function.getBody().front())
        if (isInMemory(&op))
          ops.push_back(&op);
      // Rescalings go with their products, so products come first.
      llvm::stable_sort(ops, [](Operation *a, Operation *b) {
        return isProduct(a) > isProduct(b);
      });
      SmallPtrSet<Operation *, 8> fused;
      for (Operation *op : ops)
        if (isProduct(op))
          for (Operation *user : op->getOperands().back().getUsers())
            if (isa<ternary::RescaleOp>(user))
              fused.insert(user);
      for (Operation *op : ops)
        if (!fused.contains(op) && failed(tile(op)))
          return signalPassFailure();
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        function.removeArgAttr(i, kAligned);
    }
  }

  static bool isInMemory(Operation *op) {
    if (auto store = dyn_cast<bitnet::KVStoreOp>(op))
      return isa<MemRefType>(store.getKeys().getType()) &&
             isa<MemRefType>(store.getValues().getType());
    return isa<KernelOpInterface>(op) && op->getNumResults() == 0;
  }

  static bool isProduct(Operation *op) {
    return isa<ternary::MatmulOp, ternary::LutMatmulOp>(op);
  }

  /// Bytes of weights that a token reads: of the module's, unless it says what
  /// it stands for.
  static double getFootprint(ModuleOp module) {
    if (auto bytes = module->getAttrOfType<IntegerAttr>("bitnet.footprint"))
      return bytes.getInt();
    double bytes = 0;
    for (auto weight : module.getOps<bitnet::WeightOp>())
      if (auto packed = dyn_cast<ternary::PackedType>(weight.getType()))
        bytes += packed.getSizeInBytes();
    return bytes;
  }

  LogicalResult tile(Operation *op) const {
    if (isa<ternary::MatmulOp>(op))
      return tileProduct(op, /*weightsOperand=*/2, cacheBytes);
    if (isa<ternary::LutMatmulOp>(op))
      return tileProduct(op, /*weightsOperand=*/1, cacheBytes);
    if (auto attention = dyn_cast<bitnet::AttentionOp>(op))
      return tileAttention(attention), success();
    if (auto head = dyn_cast<bitnet::LMHeadOp>(op))
      return tileHead(head);
    if (auto screen = dyn_cast<bitnet::ScreenHeadOp>(op))
      return tileTable(screen), success();
    if (auto head = dyn_cast<bitnet::IntegerHeadOp>(op))
      return tileTable(head), success();
    if (auto rescore = dyn_cast<bitnet::RescoreHeadOp>(op))
      return tileRescore(rescore), success();
    if (auto store = dyn_cast<bitnet::KVStoreOp>(op))
      return tileStore(store), success();
    if (auto angles = dyn_cast<bitnet::RopeAnglesOp>(op))
      return tileAngles(angles), success();
    if (isa<bitnet::FixedPointOp, bitnet::KthLargestOp>(op))
      return success(); // a row per token, once per step: not worth sharing
    auto kernel = cast<KernelOpInterface>(op);
    SmallVector<unsigned> operands = kernel.getTokenOperands();
    if (operands.empty())
      return op->emitError("expected an operation that can be shared out");
    tileTokens(op, operands);
    return success();
  }

  /// Of the second-level cache, if results may go past it; else 0.
  double cacheBytes = 0;
};

} // namespace
