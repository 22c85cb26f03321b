//===- LookupTile.h - The loop of all table formats ------------*- C++ -*-===//
//
// A table format looks the sums of a few columns up in tables of int16, which
// were built from the activations, and adds them in 16 bits; before those could
// overflow they are added to 32-bit sums. The loop over steps and streams is
// the same for all of them.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_LOOKUPTILE_H
#define BITNETC_LIB_FORMATS_LOOKUPTILE_H

#include "TileEmitter.h"

namespace bitnetc {

/// What one table format adds to the loop. A step is cut into parts of one
/// register: the same part of each of its vectors of 64 bytes.
struct LookupTile {
  /// 16-bit accumulators of a part, each of half as many words as it has bytes.
  /// Word i of a block of 8 (16 bytes) of accumulator s is the sum of lane
  /// i % 4 of the block in row group 2 s + i / 4.
  int64_t accumulators;
  /// Steps until 16-bit sums could overflow.
  int64_t flush;
  /// Adds a part's packed bytes to `acc`; `table(at, count)` loads bytes of the
  /// step's tables.
  llvm::function_ref<void(
      TileEmitter &emitter, llvm::ArrayRef<mlir::Value> bytes,
      llvm::function_ref<mlir::Value(int64_t at, int64_t count)> table,
      llvm::MutableArrayRef<mlir::Value> acc)>
      step;
};

/// Emits the multiplication of `operands`, whose steps have the columns and
/// bytes of `geometry` (a multiple of 64) and `tableBytes` bytes of tables.
void emitLookupTile(mlir::OpBuilder &builder, mlir::Location loc,
                    const TargetInfo &target, const TileOperands &operands,
                    const Geometry &geometry, int64_t tableBytes,
                    const LookupTile &tile);

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_LOOKUPTILE_H
