//===- VectorEmitter.h - Loops over 16-lane vectors ------------*- C++ -*-===//
//
// What the emitters of all kernels share: constants, arithmetic, loads and
// stores of rows of any length, loops, and the one order of reductions.
//
// Results must not depend on the target to the bit. Therefore vectors have 16
// lanes everywhere (LLVM splits them), lanes are folded by halves, products are
// fused only by `fma`, and no operation carries fast-math flags.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_VECTOREMITTER_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_VECTOREMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace bitnetc {

using Values = llvm::SmallVector<mlir::Value>;

/// Emits code at the insertion point of its builder. Values are f32 or f64, and
/// scalars or vectors, unless said otherwise.
class VectorEmitter {
public:
  /// Lanes of the vectors of a row.
  static constexpr int64_t lanes = 16;

  mlir::OpBuilder &builder;
  const mlir::Location loc;
  /// How many row vectors the target's registers hold: for the choice of tiles,
  /// not of results.
  int64_t registers = 8;

  VectorEmitter(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  /// The type of a row's vectors: 16 lanes of f32.
  mlir::VectorType rowType() const;

  // Constants.
  mlir::Value index(int64_t value);
  /// A float of scalar or vector type `type`; vectors repeat it.
  mlir::Value constant(mlir::Type type, double value);
  /// An integer of scalar or vector type `type`; vectors repeat it.
  mlir::Value constantInt(mlir::Type type, int64_t value);
  mlir::Value broadcast(mlir::Value scalar);

  // Arithmetic, each rounded once. `max` is `a > b ? a : b`, which is one
  // instruction on x86 and never depends on the target.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value negate(mlir::Value a);
  /// a * b + c, rounded once.
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value a,
                      mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// f32 in f64, which is exact, and f64 rounded to the nearest f32.
  mlir::Value widenToF64(mlir::Value value);
  mlir::Value narrowToF32(mlir::Value value);
  /// Arithmetic on index values.
  mlir::Value addIndex(mlir::Value a, mlir::Value b);
  mlir::Value addIndex(mlir::Value a, int64_t b);
  mlir::Value mulIndex(mlir::Value a, int64_t b);
  mlir::Value minIndex(mlir::Value a, mlir::Value b);
  mlir::Value maxIndex(mlir::Value a, mlir::Value b);
  /// a / b and a mod b of an index that is not negative.
  std::pair<mlir::Value, mlir::Value> divRem(mlir::Value a, int64_t b);

  /// Elements of `memref` from `indices` on, as a vector of 16 f32 lanes: the
  /// first `width` are read (bf16, f16 and i8 are widened, which is exact), the
  /// others are zero. Memory behind the `width` elements is not touched.
  mlir::Value load(mlir::Value memref, mlir::ValueRange indices,
                   int64_t width = lanes);
  /// f32 lanes as `element`: f16 rounded to nearest even, i8 cut towards zero
  /// (of magnitudes up to 127; others give any number).
  mlir::Value narrow(mlir::Value vector, mlir::Type element);
  /// Stores the first `width` lanes of f32 `vector`, narrowed to the memref's
  /// elements. Memory behind them is not touched.
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange indices,
             int64_t width = lanes);
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange indices);
  void storeScalar(mlir::Value value, mlir::Value memref,
                   mlir::ValueRange indices);
  /// Asks for the cache line of an element, which need not exist.
  void prefetch(mlir::Value memref, mlir::ValueRange indices);
  /// A buffer of f32 in the frame of the enclosing parallel region or function:
  /// every thread has its own, and loops do not allocate it again.
  mlir::Value allocate(llvm::ArrayRef<int64_t> shape);

  using LoopBody = llvm::function_ref<Values(mlir::Value, mlir::ValueRange)>;
  /// for (i = begin; i < end; i += step) values = body(i, values).
  Values forLoop(mlir::Value begin, mlir::Value end, int64_t step,
                 mlir::ValueRange init, LoopBody body);
  void forLoop(mlir::Value begin, mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> body);
  /// `body(m)` for every row of `memref`, without a loop if there is one row.
  void forTokens(mlir::Value memref,
                 llvm::function_ref<void(mlir::Value)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);

  using RowBody =
      llvm::function_ref<Values(mlir::Value, int64_t, mlir::ValueRange)>;
  /// `values = body(column, width, values)` for the columns 0, 16, ... below
  /// `columns`; `width` is 16 but for a last partial vector.
  Values rowLoop(int64_t columns, mlir::ValueRange init, RowBody body);
  void rowLoop(int64_t columns,
               llvm::function_ref<void(mlir::Value, int64_t)> body);

  using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  /// Reduces each of the vectors (1 to 16 of 16 lanes) to one value, by halves:
  /// lane i with lane i + 8, then i + 4, i + 2, i + 1. Lane v of the result
  /// belongs to vector v; its lanes are the next power of two. Folding several
  /// vectors together gives the same bits as one by one and costs a third.
  mlir::Value fold(llvm::ArrayRef<mlir::Value> vectors, Combine combine);
  mlir::Value foldSum(llvm::ArrayRef<mlir::Value> vectors);
  /// The largest of `least` and the magnitudes of `columns` elements of row `m`
  /// of `memref`, from column `from` on (none: 0); NaN do not count.
  mlir::Value largestMagnitude(mlir::Value memref, mlir::Value m,
                               int64_t columns, float least,
                               mlir::Value from = nullptr);
  /// Lane `lane` of a vector.
  mlir::Value extract(mlir::Value vector, int64_t lane);

private:
  mlir::Value widen(mlir::Value vector);
};

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_VECTOREMITTER_H
