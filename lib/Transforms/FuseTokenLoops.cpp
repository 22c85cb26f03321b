//===- FuseTokenLoops.cpp - One loop over tokens for several --------------===//
//
// Loops that follow each other and run over the same tokens become one if a
// token of the later ones needs nothing of other tokens from the earlier ones:
// each buffer that one of them writes and the other touches is touched in rows
// of the loop's own token only. What order tokens are handled in was free
// before and stays so; results are the same to the bit.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETFUSETOKENLOOPS
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;
using bitnet::ParallelOp;
using ternary::KernelOpInterface;

namespace {

/// Rows of threads' own buffers start at cache lines.
constexpr int64_t kRowAlign = 64;

/// How a loop uses a buffer.
struct Use {
  bool isWritten = false;
  /// Every access is in the row of the loop's token.
  bool isOwnRow = true;
};

/// A parallel loop whose items are tokens: one scf.for over kernels.
struct TokenLoop {
  ParallelOp parallel;
  scf::ForOp loop;
  llvm::MapVector<Value, Use> uses; // by the buffer behind all views
};

/// True if `memref` is the row of `token` of a buffer; `root` becomes the
/// buffer.
bool isRowOf(Value memref, Value token, Value &root) {
  bool isRow = false, isPlain = true;
  while (Operation *op = memref.getDefiningOp()) {
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      break;
    if (auto slice = dyn_cast<memref::SubViewOp>(op)) {
      OpFoldResult offset = slice.getMixedOffsets()[0];
      if (dyn_cast<Value>(offset) == token &&
          isConstantIntValue(slice.getMixedSizes()[0], 1))
        isRow = true;
      else if (!isConstantIntValue(offset, 0))
        isPlain = false;
      isPlain &= isConstantIntValue(slice.getMixedStrides()[0], 1);
    } else {
      isPlain = false;
    }
    memref = view.getViewSource();
  }
  root = memref;
  return isRow && isPlain;
}

/// The loop in `op` if it is one over kernels and values.
std::optional<TokenLoop> matchTokenLoop(Operation &op) {
  auto parallel = dyn_cast<ParallelOp>(op);
  if (!parallel || !parallel.getBody().hasOneBlock())
    return std::nullopt;
  TokenLoop found{parallel, nullptr, {}};
  for (Operation &inner : parallel.getBody().front().without_terminator()) {
    auto loop = dyn_cast<scf::ForOp>(inner);
    if (loop && !found.loop)
      found.loop = loop;
    else if (!isPure(&inner))
      return std::nullopt;
  }
  scf::ForOp loop = found.loop;
  if (!loop || loop.getNumResults() != 0 ||
      loop.getLowerBound() != parallel.getBegin() ||
      loop.getUpperBound() != parallel.getEnd() ||
      !isConstantIntValue(loop.getStep(), 1))
    return std::nullopt;
  for (Operation &inner : loop.getBody()->without_terminator()) {
    if (isPure(&inner))
      continue;
    auto kernel = dyn_cast<KernelOpInterface>(inner);
    if (!kernel && !isa<bitnet::KVStoreOp>(inner))
      return std::nullopt;
    for (Value operand : inner.getOperands()) {
      if (!isa<MemRefType>(operand.getType()))
        continue;
      Value root;
      bool isOwnRow = isRowOf(operand, loop.getInductionVar(), root);
      Use &use = found.uses[root];
      use.isOwnRow &= isOwnRow;
      // A store says nothing about its operands: any may be the cache.
      use.isWritten |= !kernel || llvm::is_contained(kernel.getOuts(), operand);
    }
  }
  return found;
}

/// A value that is the same for equal numbers of tokens: a dimension becomes
/// what it was made from.
std::pair<Value, int64_t> getCountKey(Value count) {
  while (auto dim = count.getDefiningOp<memref::DimOp>()) {
    if (!isConstantIntValue(dim.getIndex(), 0))
      break;
    Operation *source = dim.getSource().getDefiningOp();
    Value size;
    if (auto alloc = dyn_cast_or_null<memref::AllocOp>(source))
      size = alloc.getDynamicSizes()[0];
    else if (auto slice = dyn_cast_or_null<memref::SubViewOp>(source))
      size = dyn_cast<Value>(slice.getMixedSizes()[0]);
    if (!size)
      return {dim.getSource(), 0}; // the dimension of that value
    count = size;
  }
  return {count, -1};
}

bool canFuse(const TokenLoop &first, const TokenLoop &second) {
  ParallelOp a = first.parallel, b = second.parallel;
  if (getCountKey(a.getCount()) != getCountKey(b.getCount()) &&
      (!getConstantIntValue(a.getCount()) ||
       getConstantIntValue(a.getCount()) != getConstantIntValue(b.getCount())))
    return false;
  return llvm::all_of(first.uses, [&](const auto &entry) {
    auto other = second.uses.find(entry.first);
    if (other == second.uses.end())
      return true;
    const Use &x = entry.second, &y = other->second;
    return (!x.isWritten && !y.isWritten) || (x.isOwnRow && y.isOwnRow);
  });
}

/// Moves the items of `first` into the loop of `second`, before its own.
void fuse(TokenLoop first, TokenLoop &second) {
  Block &from = first.parallel.getBody().front();
  Block &to = second.parallel.getBody().front();
  first.parallel.getBegin().replaceAllUsesWith(second.parallel.getBegin());
  first.parallel.getEnd().replaceAllUsesWith(second.parallel.getEnd());
  for (Operation &op : llvm::make_early_inc_range(from.without_terminator()))
    if (&op != first.loop)
      op.moveBefore(&to, to.begin());
  first.loop.getInductionVar().replaceAllUsesWith(
      second.loop.getInductionVar());
  Block *body = second.loop.getBody();
  body->getOperations().splice(
      body->begin(), first.loop.getBody()->getOperations(),
      first.loop.getBody()->begin(),
      first.loop.getBody()->getTerminator()->getIterator());
  for (auto &[root, use] : first.uses) {
    Use &both = second.uses[root];
    both.isWritten |= use.isWritten;
    both.isOwnRow &= use.isOwnRow;
  }
  first.parallel.erase();
}

/// A buffer of which only rows of the loop's own token are used, in the loop
/// alone, becomes one row of each thread: it stays in the fastest cache.
bool makePrivate(memref::AllocOp alloc, TokenLoop &token) {
  SmallVector<memref::SubViewOp> rows;
  SmallVector<memref::DimOp> dims;
  for (Operation *user : alloc->getUsers()) {
    auto row = dyn_cast<memref::SubViewOp>(user);
    auto dim = dyn_cast<memref::DimOp>(user);
    if (dim && isConstantIntValue(dim.getIndex(), 0) &&
        alloc.getType().isDynamicDim(0))
      dims.push_back(dim);
    else if (row && row->getParentOp() == token.loop)
      rows.push_back(row);
    else
      return false;
  }
  MemRefType type = alloc.getType();
  if (rows.empty() || !type.getLayout().isIdentity() ||
      llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
    return false;
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  OpBuilder builder(token.loop);
  Value own = memref::AllocaOp::create(
      builder, alloc.getLoc(), MemRefType::get(shape, type.getElementType()),
      ValueRange(), builder.getI64IntegerAttr(kRowAlign));
  for (memref::SubViewOp row : rows) {
    builder.setInsertionPoint(row);
    SmallVector<OpFoldResult> offsets = row.getMixedOffsets();
    offsets[0] = builder.getIndexAttr(0);
    row.replaceAllUsesWith(
        memref::SubViewOp::create(builder, row.getLoc(), own, offsets,
                                  row.getMixedSizes(), row.getMixedStrides())
            .getResult());
    row.erase();
  }
  for (memref::DimOp dim : dims) {
    dim.replaceAllUsesWith(alloc.getDynamicSizes()[0]);
    dim.erase();
  }
  alloc.erase();
  return true;
}

struct BitNetFuseTokenLoopsPass
    : bitnetc::impl::BitNetFuseTokenLoopsBase<BitNetFuseTokenLoopsPass> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation()->walk([&](ParallelOp op) {
      if (blocks.empty() || blocks.back() != op->getBlock())
        blocks.push_back(op->getBlock());
    });
    for (Block *block : blocks)
      runOnBlock(*block);
  }

  void runOnBlock(Block &block) {
    SmallVector<TokenLoop> fused;
    std::optional<TokenLoop> last; // with nothing but values and buffers after
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isPure(&op) || isa<memref::AllocOp>(op))
        continue;
      std::optional<TokenLoop> loop = matchTokenLoop(op);
      if (last && loop && canFuse(*last, *loop)) {
        if (!fused.empty() && fused.back().parallel == last->parallel)
          fused.pop_back();
        fuse(*last, *loop);
        fused.push_back(*loop);
        ++numFused;
      }
      last = loop;
    }
    for (TokenLoop &loop : fused)
      privatise(loop);
  }

  void privatise(TokenLoop &token) {
    for (auto &[root, use] : token.uses) {
      auto alloc = root.getDefiningOp<memref::AllocOp>();
      if (alloc && use.isOwnRow && makePrivate(alloc, token))
        ++numPrivate;
    }
  }
};

} // namespace
