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
using ternary::KernelOpInterface;

namespace {

/// Vocabulary rows of one item of the head: enough to share the loads of the
/// hidden state, few enough to balance threads.
constexpr int64_t kHeadRows = 16;

/// Floats of a cache line.
constexpr int64_t kLineFloats = 16;

/// Query rows (heads of tokens) of one item of attention, about: they share the
/// loads of keys and values.
constexpr int64_t kAttentionRows = 32;

/// The same of a head of integers, which reads two runs of tiles side by side:
/// best if they are 80 to 600 KB apart, 160 KB for 2560 columns.
constexpr int64_t kTableRows = 8 * bitnet::kHeadTileRows;

using Indices = SmallVector<OpFoldResult>;

/// Shorthands around one builder.
struct Emitter {
  OpBuilder builder;
  Location loc;

  explicit Emitter(Operation *op) : builder(op), loc(op->getLoc()) {}

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b);
  }
  Value mul(Value a, int64_t b) {
    return arith::MulIOp::create(builder, loc, a, index(b));
  }
  /// Size of a dimension, a constant where it is known.
  OpFoldResult size(Value memref, int64_t dim) {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim))
      return builder.getIndexAttr(type.getDimSize(dim));
    return memref::DimOp::create(builder, loc, memref, dim).getResult();
  }
  Value value(OpFoldResult size) {
    return getValueOrCreateConstantIndexOp(builder, loc, size);
  }
  Value slice(Value memref, Indices offsets, Indices sizes) {
    Indices strides(offsets.size(), builder.getIndexAttr(1));
    return memref::SubViewOp::create(builder, loc, memref, offsets, sizes,
                                     strides);
  }
  OpFoldResult attr(int64_t value) { return builder.getIndexAttr(value); }

  /// A parallel loop over `count` items; `body(i)` emits one item.
  void parallelFor(Value count, function_ref<void(Value)> body) {
    auto parallel = bitnet::ParallelOp::create(builder, loc, count);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&parallel.getBody().front());
    auto loop = scf::ForOp::create(builder, loc, parallel.getBegin(),
                                   parallel.getEnd(), index(1));
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
};

/// One token's row of a token operand.
Value sliceToken(Emitter &e, Value memref, Value token) {
  auto type = cast<MemRefType>(memref.getType());
  Indices offsets = {token}, sizes = {e.attr(1)};
  for (int64_t dim = 1; dim < type.getRank(); ++dim) {
    offsets.push_back(e.attr(0));
    sizes.push_back(e.size(memref, dim));
  }
  return e.slice(memref, offsets, sizes);
}

/// Clones `op` with new operands.
void cloneWith(Emitter &e, Operation *op, ValueRange operands) {
  Operation *clone = e.builder.clone(*op);
  clone->setOperands(operands);
}

/// Runs a token-wise operation for every token, or leaves it alone if there is
/// only one. `tokenOperands` are sliced; an operand that is a position moves
/// on.
void tileTokens(Operation *op, ArrayRef<unsigned> tokenOperands,
                std::optional<unsigned> position) {
  auto type = cast<MemRefType>(op->getOperand(tokenOperands[0]).getType());
  if (type.getDimSize(0) == 1)
    return;
  Emitter e(op);
  Value tokens = e.value(e.size(op->getOperand(tokenOperands[0]), 0));
  e.parallelFor(tokens, [&](Value token) {
    SmallVector<Value> operands(op->getOperands());
    for (unsigned i : tokenOperands)
      operands[i] = sliceToken(e, operands[i], token);
    if (position)
      operands[*position] = e.add(operands[*position], token);
    cloneWith(e, op, operands);
  });
  op->erase();
}

/// Fetches, while a row tile is multiplied, the scales that its products are
/// rescaled by, and for a single token the lines they are written to. A miss
/// between two tiles stops the stream of weights: 8 to 14 % from DRAM.
void prefetchRescale(Emitter &e, Value scale, Value out, Value row,
                     int64_t rows) {
  bool single = cast<MemRefType>(out.getType()).getDimSize(0) == 1;
  for (int64_t i = 0; i < rows; i += kLineFloats) {
    Value column = e.add(row, e.index(i));
    memref::PrefetchOp::create(e.builder, e.loc, scale, ValueRange{column},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
    if (single)
      memref::PrefetchOp::create(e.builder, e.loc, out,
                                 ValueRange{e.index(0), column},
                                 /*isWrite=*/true, /*localityHint=*/3,
                                 /*isDataCache=*/true);
  }
}

/// Product and rescaling of a whole matrix -> loop over its row tiles.
LogicalResult tileProduct(Operation *product, unsigned weightsOperand) {
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
  e.parallelFor(e.index(matrix.getNumTiles()), [&](Value i) {
    Value tile =
        ternary::TileOp::create(e.builder, e.loc, tileType, weights, i);
    Value row = e.mul(i, tileRows);
    prefetchRescale(e, rescale.getScale(), out, row,
                    fullTiles == 0 ? restRows : tileRows);
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
      Value scale = e.slice(rescale.getScale(), {row}, {e.attr(rows)});
      Value outPart = e.slice(out, {e.attr(0), row}, {tokens, e.attr(rows)});
      ternary::RescaleOp::create(e.builder, e.loc, TypeRange(), part,
                                 rescale.getInverse(), scale, outPart);
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

/// The slices of one key-value head of attention.
struct HeadSlices {
  Emitter &e;
  Value cache;
  int64_t heads, dim, group; // key-value heads; query heads of each

  HeadSlices(Emitter &e, bitnet::AttentionOp op) : e(e), cache(op.getCache()) {
    bitnet::CacheShape shape = bitnet::getCacheShape(cache.getType());
    heads = shape.heads;
    dim = shape.dim;
    group = op.getHeads() / heads;
  }
  Value ofCache(Value head) {
    auto type = cast<MemRefType>(cache.getType());
    return e.slice(
        cache, {e.attr(0), head, e.attr(0), e.attr(0)},
        {e.attr(2), e.attr(1), e.size(cache, 2), e.attr(type.getDimSize(3))});
  }
  /// Rows of a buffer with `columns` for each query head.
  Value ofRows(Value memref, Value head, OpFoldResult row, OpFoldResult rows,
               int64_t columns) {
    return e.slice(memref, {row, e.mul(head, group * columns)},
                   {rows, e.attr(group * columns)});
  }
};

/// Attention of many tokens -> loop over blocks of tokens and key-value heads.
void tileAttention(bitnet::AttentionOp op) {
  Emitter e(op);
  HeadSlices slices(e, op);
  int64_t count = std::max<int64_t>(kAttentionRows / slices.group, 1);
  Value out = op.getOuts()[0];
  Value tokens = e.value(e.size(out, 0));
  Value blocks =
      arith::CeilDivUIOp::create(e.builder, e.loc, tokens, e.index(count));
  e.parallelFor(e.mul(blocks, slices.heads), [&](Value i) {
    Value heads = e.index(slices.heads);
    Value block = arith::DivUIOp::create(e.builder, e.loc, i, heads);
    Value head = arith::RemUIOp::create(e.builder, e.loc, i, heads);
    Value first = e.mul(block, count);
    Value left = arith::SubIOp::create(e.builder, e.loc, tokens, first);
    OpFoldResult rows = e.attr(1); // a constant where it is known
    if (cast<MemRefType>(out.getType()).getDimSize(0) != 1)
      rows = arith::MinUIOp::create(e.builder, e.loc, left, e.index(count))
                 .getResult();
    auto rowsOf = [&](Value memref) {
      return slices.ofRows(memref, head, first, rows, slices.dim);
    };
    bitnet::AttentionOp::create(e.builder, e.loc, TypeRange(),
                                rowsOf(op.getQueries()), slices.ofCache(head),
                                e.add(op.getPosition(), first), rowsOf(out),
                                e.builder.getI64IntegerAttr(slices.group));
  });
  op.erase();
}

/// Attention of one token -> loop over key-value heads and parts of the
/// positions, at most `parts`, and a second one that merges the parts.
void tileSingleAttention(bitnet::AttentionOp op, int64_t parts) {
  Emitter e(op);
  HeadSlices slices(e, op);
  auto group = e.builder.getI64IntegerAttr(slices.group);
  OpFoldResult one = e.attr(1), zero = e.attr(0);
  auto allocate = [&](int64_t columns) -> Value {
    return memref::AllocOp::create(
        e.builder, e.loc,
        MemRefType::get({parts, static_cast<int64_t>(op.getHeads()) * columns},
                        e.builder.getF32Type()),
        e.builder.getI64IntegerAttr(64));
  };
  Value sums = allocate(slices.dim), states = allocate(2);
  Value last = arith::DivUIOp::create(e.builder, e.loc, op.getPosition(),
                                      e.index(bitnet::attentionPart));
  Value used = e.add(last, e.index(1));
  // All parts of a head one after the other: they are so in memory.
  e.parallelFor(e.mul(used, slices.heads), [&](Value i) {
    Value head = arith::DivUIOp::create(e.builder, e.loc, i, used);
    Value part = arith::RemUIOp::create(e.builder, e.loc, i, used);
    bitnet::AttentionPartOp::create(
        e.builder, e.loc, TypeRange(),
        slices.ofRows(op.getQueries(), head, zero, one, slices.dim),
        slices.ofCache(head), op.getPosition(), part,
        ValueRange{slices.ofRows(sums, head, part, one, slices.dim),
                   slices.ofRows(states, head, part, one, 2)},
        group);
  });
  OpFoldResult all = e.attr(parts);
  e.parallelFor(e.index(slices.heads), [&](Value head) {
    bitnet::AttentionMergeOp::create(
        e.builder, e.loc, TypeRange(),
        slices.ofRows(sums, head, zero, all, slices.dim),
        slices.ofRows(states, head, zero, all, 2), op.getPosition(),
        slices.ofRows(op.getOuts()[0], head, zero, one, slices.dim), group);
  });
  op.erase();
}

void tile(bitnet::AttentionOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  auto context = module->getAttrOfType<IntegerAttr>("bitnet.max_context");
  bool isSingle =
      cast<MemRefType>(op.getQueries().getType()).getDimSize(0) == 1;
  if (!isSingle || !context)
    return tileAttention(op);
  tileSingleAttention(
      op, llvm::divideCeil(context.getInt(), bitnet::attentionPart));
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

  static LogicalResult tile(Operation *op) {
    if (isa<ternary::MatmulOp>(op))
      return tileProduct(op, /*weightsOperand=*/2);
    if (isa<ternary::LutMatmulOp>(op))
      return tileProduct(op, /*weightsOperand=*/1);
    if (auto attention = dyn_cast<bitnet::AttentionOp>(op))
      return ::tile(attention), success();
    if (auto head = dyn_cast<bitnet::LMHeadOp>(op))
      return tileHead(head);
    if (auto screen = dyn_cast<bitnet::ScreenHeadOp>(op))
      return tileTable(screen), success();
    if (auto head = dyn_cast<bitnet::IntegerHeadOp>(op))
      return tileTable(head), success();
    if (auto rescore = dyn_cast<bitnet::RescoreHeadOp>(op))
      return tileRescore(rescore), success();
    if (isa<bitnet::KVStoreOp>(op))
      return tileTokens(op, {0, 1}, /*position=*/3), success();
    if (isa<bitnet::RopeAnglesOp, bitnet::FixedPointOp, bitnet::KthLargestOp>(
            op))
      return success(); // a row per token, once per step: not worth sharing
    auto kernel = cast<KernelOpInterface>(op);
    SmallVector<unsigned> operands = kernel.getTokenOperands();
    if (operands.empty())
      return op->emitError("expected an operation that can be shared out");
    tileTokens(op, operands, std::nullopt);
    return success();
  }
};

} // namespace
