//===- TileEmitter.h - Short names for what inner loops consist of -*- C++ -*-//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_TILEEMITTER_H
#define BITNETC_LIB_FORMATS_TILEEMITTER_H

#include "bitnetc/Formats/PackingFormat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace bitnetc {

/// Columns of a quad, rows (lanes) of a group, bytes of a vector of both.
constexpr int64_t kQuad = 4, kLanes = 16, kVectorBytes = 64;
/// The largest code of a weight: codes are weights plus one.
constexpr int64_t kMaxCode = 2;

/// Emits the operations of a tile's inner loop at the builder's insertion
/// point. "bytes" are vectors of i8, "lanes" of i32.
class TileEmitter {
public:
  TileEmitter(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::VectorType bytesType(int64_t count) const;
  mlir::VectorType lanesType(int64_t count) const;

  mlir::Value index(int64_t value);
  mlir::Value mulIndex(mlir::Value a, int64_t b);
  /// a + b, or a when b is the number 0.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value addIndex(mlir::Value a, int64_t b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value divIndex(mlir::Value a, int64_t b);
  mlir::Value remIndex(mlir::Value a, int64_t b);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// The number of rows of the activations.
  mlir::Value getTokens(const TileOperands &operands);
  /// A vector of `type` full of `value`, cut to the element's width.
  mlir::Value splat(mlir::VectorType type, int64_t value);
  mlir::Value andBytes(mlir::Value bytes, int64_t mask);
  /// Product with `factor`, modulo 256.
  mlir::Value mulBytes(mlir::Value bytes, int64_t factor);
  /// Unsigned bytes less `value`, 0 where they are smaller.
  mlir::Value saturatingSub(mlir::Value bytes, int64_t value);
  /// (a + b + 1) / 2 of unsigned bytes: vpavgb, urhadd.
  mlir::Value average(mlir::Value a, mlir::Value b);
  mlir::Value shiftBytesRight(mlir::Value bytes, int64_t bits);
  mlir::Value shiftLanesLeft(mlir::Value lanes, int64_t bits);
  /// Arithmetic shift right of lanes.
  mlir::Value shiftLanesRight(mlir::Value lanes, int64_t bits);
  /// Even and odd 16-bit words as lanes.
  std::array<mlir::Value, 2> widen(mlir::Value words);
  mlir::Value bitcast(mlir::Value vector, mlir::VectorType type);
  mlir::Value constantBytes(llvm::ArrayRef<uint8_t> bytes);
  mlir::Value constantWords(llvm::ArrayRef<int16_t> words);
  /// Bytes of a table of 16 or 32, words (i16) of one of 32: at the indices
  /// modulo its size.
  mlir::Value lookup(mlir::Value table, mlir::Value indices);
  mlir::Value lookupWords(mlir::Value table, mlir::Value indices);
  /// Vectors of bytes, shifted as 16-bit words: bits of neighbours come in.
  mlir::Value shiftWordsRight(mlir::Value bytes, int64_t bits);
  /// Bits of `a` where the mask has them, else of `b`.
  mlir::Value selectBits(int64_t mask, mlir::Value a, mlir::Value b);
  /// Units of `unit` bytes of a and b in turn, of the lower or `upper` half of
  /// each block of 16 bytes: vpunpckl and vpunpckh, or zip1 and zip2.
  mlir::Value interleave(mlir::Value a, mlir::Value b, int64_t unit,
                         bool upper);

  /// `count` bytes of a one-dimensional memref.
  mlir::Value loadBytes(mlir::Value memref, mlir::Value offset, int64_t count);
  /// Row `token` of a two-dimensional memref of i8, from `column` on.
  mlir::Value loadRowBytes(mlir::Value memref, int64_t token,
                           mlir::Value column, int64_t count);
  /// Four activations of one token, repeated up to `count` bytes.
  mlir::Value broadcastFour(mlir::Value activations, int64_t token,
                            mlir::Value column, int64_t count);
  /// Element `token` (an index) of a memref of i32, in `count` lanes.
  mlir::Value broadcastSum(mlir::Value sums, mlir::Value token, int64_t count);
  /// Stores `vector` to row `token` of a two-dimensional memref.
  void storeRow(mlir::Value vector, mlir::Value memref, mlir::Value token,
                mlir::Value column);
  /// Sums of the activations of a token (an index) from `column` on, each times
  /// its vector of i16 factors.
  mlir::Value tableOfSums(mlir::Value activations, mlir::Value token,
                          mlir::Value column,
                          llvm::ArrayRef<llvm::SmallVector<int16_t>> factors);
  /// Stores products of one token from row `row` of the tile on.
  void storeLanes(mlir::Value lanes, mlir::Value products, int64_t token,
                  int64_t row);
  /// Caches by their distance from the core.
  enum class Cache { First, Second };
  void prefetch(mlir::Value memref, mlir::Value offset, int64_t distance,
                Cache cache = Cache::First);
  /// Asks for all lines of the step at `offset` that is `distance` bytes ahead.
  void prefetchStep(mlir::Value memref, mlir::Value offset, int64_t stepBytes,
                    int64_t distance);
  /// The vectors of the step at `offset`; of each, `count` bytes from `first`.
  llvm::SmallVector<mlir::Value> loadStep(mlir::Value memref,
                                          mlir::Value offset, int64_t stepBytes,
                                          int64_t first = 0,
                                          int64_t count = kVectorBytes);
  /// Decodes a step to the rows of `panel` from `row` on, one for each quad:
  /// the first `count` groups.
  void decodeStep(const PackingFormat &format,
                  llvm::ArrayRef<mlir::Value> vectors, mlir::Value panel,
                  mlir::Value row, int64_t count);

  mlir::Value dot4(mlir::Value acc, mlir::Value weights,
                   mlir::Value activations, int64_t max, bool isSigned = false);
  /// In 16 bits; see `ternary.dot2`.
  mlir::Value dot2(mlir::Value acc, mlir::Value weights,
                   mlir::Value activations, int64_t max);
  mlir::Value opaque(mlir::Value value);
  mlir::Value shuffle(mlir::Value a, mlir::Value b,
                      llvm::ArrayRef<int64_t> indices);

  /// A branch; without `otherwise`, nothing happens there.
  void ifHolds(mlir::Value condition, llvm::function_ref<void()> then,
               llvm::function_ref<void()> otherwise = nullptr);
  /// A loop from `begin` to `end` by 1; `body` emits one iteration.
  void forEach(mlir::Value begin, mlir::Value end,
               llvm::function_ref<void(mlir::Value index)> body);
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
