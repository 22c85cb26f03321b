//===- ParallelEmitter.h - Parallel loops over slices ----------*- C++ -*-===//
//
// What the parts of ternary-tile-parallel share.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_TRANSFORMS_PARALLELEMITTER_H
#define BITNETC_LIB_TRANSFORMS_PARALLELEMITTER_H

#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace bitnetc {

using Indices = llvm::SmallVector<mlir::OpFoldResult>;

/// Shorthands around one builder.
struct ParallelEmitter {
  mlir::OpBuilder builder;
  mlir::Location loc;

  explicit ParallelEmitter(mlir::Operation *op)
      : builder(op), loc(op->getLoc()) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(builder, loc, value);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return mlir::arith::AddIOp::create(builder, loc, a, b);
  }
  mlir::Value mul(mlir::Value a, int64_t b) {
    return mlir::arith::MulIOp::create(builder, loc, a, index(b));
  }
  /// Size of a dimension, a constant where it is known.
  mlir::OpFoldResult size(mlir::Value memref, int64_t dim) {
    auto type = llvm::cast<mlir::MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim))
      return builder.getIndexAttr(type.getDimSize(dim));
    return mlir::memref::DimOp::create(builder, loc, memref, dim).getResult();
  }
  mlir::Value value(mlir::OpFoldResult size) {
    return mlir::getValueOrCreateConstantIndexOp(builder, loc, size);
  }
  mlir::Value slice(mlir::Value memref, Indices offsets, Indices sizes) {
    Indices strides(offsets.size(), builder.getIndexAttr(1));
    return mlir::memref::SubViewOp::create(builder, loc, memref, offsets, sizes,
                                           strides);
  }
  mlir::OpFoldResult attr(int64_t value) { return builder.getIndexAttr(value); }

  /// A parallel loop over `count` items; `body(i)` emits one item.
  void parallelFor(mlir::Value count,
                   llvm::function_ref<void(mlir::Value)> body) {
    auto parallel = bitnet::ParallelOp::create(builder, loc, count);
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&parallel.getBody().front());
    auto loop = mlir::scf::ForOp::create(builder, loc, parallel.getBegin(),
                                         parallel.getEnd(), index(1));
    builder.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
};

/// One token's row of a token operand.
inline mlir::Value sliceToken(ParallelEmitter &e, mlir::Value memref,
                              mlir::Value token) {
  auto type = llvm::cast<mlir::MemRefType>(memref.getType());
  Indices offsets = {token}, sizes = {e.attr(1)};
  for (int64_t dim = 1; dim < type.getRank(); ++dim) {
    offsets.push_back(e.attr(0));
    sizes.push_back(e.size(memref, dim));
  }
  return e.slice(memref, offsets, sizes);
}

} // namespace bitnetc

#endif // BITNETC_LIB_TRANSFORMS_PARALLELEMITTER_H
