//===- TableProducts.h - Digits of states times tables of integers -*- C++ -*-//
//
// The loop of heads of integers. A step is 64 bytes of a tile of 16 rows: four
// columns of a digit, broadcast to all lanes, are multiplied by them
// (ternary.dot4: digits are below 128, so that every target is exact). Single
// tokens read two tiles side by side and ask for both ahead of their use, which
// keeps more cache lines in flight; several tokens share the bytes.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_TABLEPRODUCTS_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_TABLEPRODUCTS_H

#include "VectorEmitter.h"
#include "bitnetc/Target/TargetInfo.h"

namespace bitnetc {

/// Emits products of all rows of `digits` with all tiles of `table`, which has
/// `bits` 8, 7 or 4 (dialects/BitNet/HeadTable.h).
class TableProducts {
public:
  TableProducts(VectorEmitter &e, const TargetInfo &target, mlir::Value digits,
                mlir::Value table, unsigned bits);

  /// `body(m, tile, rows, product)` for every token and tile; `rows` of the 16
  /// lanes of the product exist, out of `rows` of the table. Products are, for
  /// 8 and 7 bits, the sum over k of (X + 8192) * table in f64, exact; for 4,
  /// the f32 sum over groups that `integer_head` defines.
  using Body =
      llvm::function_ref<void(mlir::Value, mlir::Value, int64_t, mlir::Value)>;
  void forEach(int64_t rows, Body body);

private:
  struct Stream {
    mlir::Value tile; // index of the tile
    mlir::Value next; // the one that this stream reads after it
    int64_t rows;     // that exist
  };
  void emitTiles(llvm::ArrayRef<Stream> streams, Body body);
  Values emitProducts(llvm::ArrayRef<Stream> streams,
                      llvm::ArrayRef<mlir::Value> tokens);
  Values emitInt8(llvm::ArrayRef<Stream> streams,
                  llvm::ArrayRef<mlir::Value> tokens);
  Values emitInt7(llvm::ArrayRef<Stream> streams,
                  llvm::ArrayRef<mlir::Value> tokens);
  Values emitInt4(llvm::ArrayRef<Stream> streams,
                  llvm::ArrayRef<mlir::Value> tokens);
  void prefetch(llvm::ArrayRef<Stream> streams, mlir::Value byte,
                int64_t offset);
  mlir::Value loadBytes(mlir::Value memref, mlir::ValueRange indices,
                        int64_t count);
  /// Adds the products of `bytes`, 64 of each stream, with both digits of four
  /// columns from `column` on.
  void multiply(mlir::Value column, llvm::ArrayRef<mlir::Value> bytes,
                llvm::ArrayRef<mlir::Value> tokens, Values &sums);
  /// Sums of both digits as one number, in f64.
  Values join(mlir::ValueRange sums);
  mlir::Value broadcastDigits(mlir::Value token, mlir::Value column);
  mlir::Value dot(mlir::Value sum, mlir::Value digits, mlir::Value bytes);

  VectorEmitter &e;
  mlir::Value digits, table;
  unsigned bits;
  int64_t columns, tileBytes;
  /// Streams of single tokens; tokens that share bytes; bytes of prefetching
  /// ahead with as many streams.
  int64_t streams, together;
  int64_t prefetchBytes = 0;
};

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_TABLEPRODUCTS_H
