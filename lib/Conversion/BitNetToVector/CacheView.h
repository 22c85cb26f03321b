//===- CacheView.h - One layer of the key-value cache ----------*- C++ -*-===//
//
// The layout of `!bitnet.kv_cache` in memory, known here alone. Elements are
// widened to f32, which is exact; the scales of an i8 cache are left to the
// caller.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_CONVERSION_BITNETTOVECTOR_CACHEVIEW_H
#define BITNETC_LIB_CONVERSION_BITNETTOVECTOR_CACHEVIEW_H

#include "VectorEmitter.h"
#include "dialects/BitNet/BitNet.h"

namespace bitnetc {

/// Reads and writes at the insertion point of an emitter. Heads, blocks (of 16
/// positions), indices in a block and columns are index values.
class CacheView {
public:
  /// Indices of keys and values in the first dimension of the cache.
  static constexpr int64_t keys = 0, values = 1;

  /// `cache` is a memref [2, heads, blocks, row].
  CacheView(VectorEmitter &e, mlir::Value cache);

  int64_t heads, dim, elementBytes;
  /// Elements are integers with a scale for each position.
  bool isScaled;

  /// Column `column` of the 16 keys of a block.
  mlir::Value loadKeys(mlir::Value head, mlir::Value block, mlir::Value column);
  /// 16 columns of the value at `index` of a block, of which `width` exist.
  mlir::Value loadValue(mlir::Value head, mlir::Value block, mlir::Value index,
                        mlir::Value column, int64_t width);
  /// The scales of the 16 positions of a block.
  mlir::Value loadScales(int64_t half, mlir::Value head, mlir::Value block);

  /// Where column `column` of the 16 keys, or of value `index`, is in a row.
  mlir::Value getKeys(mlir::Value column);
  mlir::Value getValue(mlir::Value index, mlir::Value column);
  /// Asks for the cache line of an element of a row, which need not exist.
  void prefetch(mlir::Value half, mlir::Value head, mlir::Value block,
                mlir::Value element);

  /// Writes a key or value, columns `from` and following of row `m` of f32
  /// `source`.
  void store(int64_t half, mlir::Value head, mlir::Value block,
             mlir::Value index, mlir::Value source, mlir::Value m,
             mlir::Value from);

private:
  /// 127 / largest magnitude of a key or value; stores the scale.
  mlir::Value emitScale(int64_t half, mlir::Value head, mlir::Value block,
                        mlir::Value index, mlir::Value source, mlir::Value m,
                        mlir::Value from);

  VectorEmitter &e;
  mlir::Value cache;
};

} // namespace bitnetc

#endif // BITNETC_LIB_CONVERSION_BITNETTOVECTOR_CACHEVIEW_H
