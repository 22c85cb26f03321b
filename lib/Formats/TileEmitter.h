//===- TileEmitter.h - Short names for what inner loops consist of -*- C++ -*-//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_TILEEMITTER_H
#define BITNETC_LIB_FORMATS_TILEEMITTER_H

#include "bitnetc/Formats/PackingFormat.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace bitnetc {

/// Emits the operations of a tile's inner loop at the builder's insertion
/// point. "bytes" are vectors of i8, "lanes" of i32.
class TileEmitter {
public:
  TileEmitter(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::VectorType bytesType(int64_t count) const;
  mlir::VectorType lanesType(int64_t count) const;

  mlir::Value index(int64_t value);
  /// a + b, or a when b is the number 0.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value addIndex(mlir::Value a, int64_t b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  /// A vector of `type` full of `value`, cut to the element's width.
  mlir::Value splat(mlir::VectorType type, int64_t value);
  mlir::Value andBytes(mlir::Value bytes, int64_t mask);
  /// Product with `factor`, modulo 256.
  mlir::Value mulBytes(mlir::Value bytes, int64_t factor);
  /// 1 where the unsigned byte is at least `bound`, else 0.
  mlir::Value reaches(mlir::Value bytes, int64_t bound);
  mlir::Value shiftBytesRight(mlir::Value bytes, int64_t bits);
  /// Arithmetic shift right of lanes.
  mlir::Value shiftLanesRight(mlir::Value lanes, int64_t bits);

  /// `count` bytes of a one-dimensional memref.
  mlir::Value loadBytes(mlir::Value memref, mlir::Value offset, int64_t count);
  /// Row `token` of a two-dimensional memref of i8, from `column` on.
  mlir::Value loadRowBytes(mlir::Value memref, int64_t token,
                           mlir::Value column, int64_t count);
  /// Four activations of one token, repeated up to `count` bytes.
  mlir::Value broadcastFour(mlir::Value activations, int64_t token,
                            mlir::Value column, int64_t count);
  /// Element `token` of a memref of i32, in `count` lanes.
  mlir::Value broadcastSum(mlir::Value sums, int64_t token, int64_t count);
  /// Stores products of one token from row `row` of the tile on.
  void storeLanes(mlir::Value lanes, mlir::Value products, int64_t token,
                  int64_t row);
  /// Caches by their distance from the core.
  enum class Cache { First, Second };
  void prefetch(mlir::Value memref, mlir::Value offset, int64_t distance,
                Cache cache = Cache::First);

  mlir::Value dot4(mlir::Value acc, mlir::Value weights,
                   mlir::Value activations, int64_t max, bool isSigned = false);
  mlir::Value opaque(mlir::Value value);
  mlir::Value shuffle(mlir::Value a, mlir::Value b,
                      llvm::ArrayRef<int64_t> indices);

  /// A loop from `from` to `to` by `by` that carries `values`; returns their
  /// last state. `body` replaces them. Emits nothing for an empty range, and
  /// the bare body for a range of one step.
  llvm::SmallVector<mlir::Value>
  loop(int64_t from, int64_t to, int64_t by, llvm::ArrayRef<mlir::Value> values,
       llvm::function_ref<void(mlir::Value index,
                               llvm::MutableArrayRef<mlir::Value> values)>
           body);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_TILEEMITTER_H
