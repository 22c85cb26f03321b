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
      auto maxTokens = function->getAttrOfType<IntegerAttr>("bitnet.max_tokens");
      if (!maxTokens)
        continue;
      SmallVector<Buffer> buffers = findBuffers(function, maxTokens.getInt());
      arena = std::max(arena, place(buffers));
      for (Buffer &buffer : buffers)
        replace(buffer, function.getArgument(1));
    }
    module->setAttr("bitnet.arena_bytes",
                    Builder(&getContext()).getI64IntegerAttr(arena));
  }

  /// The buffers of a phase with the span of top-level operations in which
  /// they, or views of them, are used.
  static SmallVector<Buffer> findBuffers(func::FuncOp function,
                                         int64_t maxTokens) {
    Block &entry = function.getBody().front();
    DenseMap<Operation *, int64_t> number;
    for (Operation &op : entry)
      number[&op] = number.size();
    SmallVector<Buffer> buffers;
    for (auto alloc : entry.getOps<memref::AllocOp>()) {
      MemRefType type = alloc.getType();
      int64_t elements = 1;
      for (int64_t size : type.getShape())
        elements *= ShapedType::isDynamic(size) ? maxTokens : size;
      Buffer buffer{alloc, elements * type.getElementTypeBitWidth() / 8,
                    number[alloc], number[alloc]};
      SmallVector<Value> aliases = {alloc};
      while (!aliases.empty())
        for (Operation *user : aliases.pop_back_val().getUsers()) {
          buffer.last =
              std::max(buffer.last, number[entry.findAncestorOpInBlock(*user)]);
          if (isa<ViewLikeOpInterface>(user))
            aliases.append(user->result_begin(), user->result_end());
        }
      buffers.push_back(buffer);
    }
    return buffers;
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
    Value offset =
        arith::ConstantIndexOp::create(builder, loc, buffer.offset);
    Value view =
        memref::ViewOp::create(builder, loc, buffer.alloc.getType(), arena,
                               offset, buffer.alloc.getDynamicSizes());
    buffer.alloc.replaceAllUsesWith(view);
    buffer.alloc.erase();
  }
};

} // namespace
