//===- PlanMemory.cpp - All buffers of a phase share one arena ------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETPLANMEMORY
#include "bitnetc/Transforms/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;
using namespace bitnetc;

namespace {

/// Buffers start at multiples of a cache line and of the widest vector.
constexpr int64_t kArenaAlign = 64;

/// One buffer: its size, its life in operation numbers, its place.
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes, first, last, offset = -1;
};

struct BitNetPlanMemoryPass
    : bitnetc::impl::BitNetPlanMemoryBase<BitNetPlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    int64_t arena = 0;
    for (auto function : module.getOps<func::FuncOp>()) {
      auto maxTokens =
          function->getAttrOfType<IntegerAttr>("bitnet.max_tokens");
      if (!maxTokens)
        continue;
      SmallVector<Buffer> buffers;
      if (failed(verifyPhase(function)) ||
          failed(findBuffers(function, maxTokens.getInt(), buffers)))
        return signalPassFailure();
      arena = std::max(arena, place(buffers));
      for (Buffer &buffer : buffers)
        replace(buffer, function.getArgument(1));
    }
    module->setAttr("bitnet.arena_bytes",
                    Builder(&getContext()).getI64IntegerAttr(arena));
  }

  static LogicalResult verifyPhase(func::FuncOp function) {
    if (!function.getBody().hasOneBlock())
      return function.emitError("expected one block");
    auto bytes =
        MemRefType::get({ShapedType::kDynamic}, Builder(function).getI8Type());
    if (function.getNumArguments() < 2 ||
        function.getArgumentTypes()[1] != bytes)
      return function.emitError("expected the arena, a ")
             << bytes << ", as second argument; run 'bitnet-bufferize' first";
    return success();
  }

  /// The size in bytes of a buffer of the phase, or a reason why it has none.
  static FailureOr<int64_t> getBytes(memref::AllocOp alloc, int64_t maxTokens) {
    MemRefType type = alloc.getType();
    if (!type.getElementType().isIntOrFloat() || !type.getLayout().isIdentity())
      return alloc.emitError("expected a contiguous buffer of integers or "
                             "floats, but got ")
             << type;
    // Any number of tokens fits: bitnet.max_tokens. No other size is known.
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (ShapedType::isDynamic(size) && dim != 0)
        return alloc.emitError("expected only the number of tokens to be "
                               "dynamic, but got ")
               << type;
      bytes *= ShapedType::isDynamic(size) ? maxTokens : size;
    }
    return bytes;
  }

  /// Values that may point into the same memory once `user` has used it.
  static void appendAliases(Operation *user, SmallVectorImpl<Value> &aliases) {
    // What a region yields, its operation may return.
    if (user->hasTrait<OpTrait::IsTerminator>() && user->getParentOp())
      user = user->getParentOp();
    if (isa<func::FuncOp>(user))
      return;
    for (Value result : user->getResults())
      if (!result.getType().isIntOrIndexOrFloat())
        aliases.push_back(result);
  }

  /// The buffers of a phase with the span of top-level operations in which
  /// they, or views of them, are used.
  static LogicalResult findBuffers(func::FuncOp function, int64_t maxTokens,
                                   SmallVectorImpl<Buffer> &buffers) {
    Block &entry = function.getBody().front();
    DenseMap<Operation *, int64_t> number;
    for (Operation &op : entry)
      number[&op] = number.size();
    WalkResult nested = function.walk([&](memref::AllocOp alloc) -> WalkResult {
      if (alloc->getBlock() == &entry)
        return WalkResult::advance();
      return alloc.emitError("expected buffers at the top of a phase only");
    });
    if (nested.wasInterrupted())
      return failure();
    for (auto alloc : entry.getOps<memref::AllocOp>()) {
      FailureOr<int64_t> bytes = getBytes(alloc, maxTokens);
      if (failed(bytes))
        return failure();
      Buffer buffer{alloc, *bytes, number[alloc], number[alloc]};
      SmallVector<Value> aliases = {alloc};
      DenseSet<Value> seen;
      while (!aliases.empty()) {
        Value alias = aliases.pop_back_val();
        if (!seen.insert(alias).second)
          continue;
        for (Operation *user : alias.getUsers()) {
          if (isa<memref::DeallocOp, memref::ExtractAlignedPointerAsIndexOp>(
                  user))
            return user->emitError("expected no deallocation and no pointers "
                                   "of buffers: they get places in the arena");
          buffer.last =
              std::max(buffer.last, number[entry.findAncestorOpInBlock(*user)]);
          appendAliases(user, aliases);
        }
      }
      buffers.push_back(buffer);
    }
    return success();
  }

  /// First fit, largest first: simple, and close to the largest sum of lives
  /// for the few sizes that a transformer has. Returns the arena's size.
  static int64_t place(MutableArrayRef<Buffer> buffers) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers)
      order.push_back(&buffer);
    llvm::stable_sort(order, [](const Buffer *a, const Buffer *b) {
      return a->bytes > b->bytes;
    });
    int64_t total = 0;
    SmallVector<Buffer *> placed; // sorted by offset
    for (Buffer *buffer : order) {
      int64_t offset = 0;
      for (Buffer *other : placed) {
        if (other->last < buffer->first || buffer->last < other->first)
          continue;
        if (offset + buffer->bytes <= other->offset)
          break;
        offset = std::max<int64_t>(
            offset, llvm::alignTo(other->offset + other->bytes, kArenaAlign));
      }
      buffer->offset = offset;
      total = std::max<int64_t>(
          total, llvm::alignTo(offset + buffer->bytes, kArenaAlign));
      placed.insert(llvm::upper_bound(placed, buffer,
                                      [](const Buffer *a, const Buffer *b) {
                                        return a->offset < b->offset;
                                      }),
                    buffer);
    }
    return total;
  }

  static void replace(Buffer &buffer, Value arena) {
    OpBuilder builder(buffer.alloc);
    Location loc = buffer.alloc.getLoc();
    Value offset = arith::ConstantIndexOp::create(builder, loc, buffer.offset);
    Value view =
        memref::ViewOp::create(builder, loc, buffer.alloc.getType(), arena,
                               offset, buffer.alloc.getDynamicSizes());
    buffer.alloc.replaceAllUsesWith(view);
    buffer.alloc.erase();
  }
};

} // namespace
