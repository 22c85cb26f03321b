//===- DotTile.h - The loop of all dot-product formats ---------*- C++ -*-===//
//
// A dot-product format has steps of 64 bytes = 16 lanes x 4 columns: four
// activations, broadcast to all lanes, multiply every byte of a step. The loop
// over steps, tokens and streams is the same for all of them.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_DOTTILE_H
#define BITNETC_LIB_FORMATS_DOTTILE_H

#include "TileEmitter.h"

namespace bitnetc {

/// What one dot-product format adds to the loop. A step is cut into parts of
/// one register, because the order of instructions matters to registers: a
/// part's decoded forms are used up before the next part is decoded.
struct DotTile {
  /// Accumulators per token, each of the tile's 16 lanes.
  int64_t accumulators;
  /// Accumulator vectors worth having: where a step has fewer, several steps
  /// are unrolled, each with its own, to hide the latency of the dot product
  /// (x86: 5 cycles, two a cycle).
  int64_t wanted;
  /// Registers the loop needs besides accumulators: a part's packed bytes and
  /// decoded forms, one token's activations, constants.
  int64_t temporaries;
  /// Adds a part's packed bytes times the activations of M tokens (repeated
  /// fours) to `acc[token * accumulators + i]`.
  llvm::function_ref<void(TileEmitter &emitter, mlir::Value bytes,
                          llvm::ArrayRef<mlir::Value> activations,
                          llvm::MutableArrayRef<mlir::Value> acc)>
      step;
  /// The products of a part's lanes, one vector per 16 rows of the tile, from
  /// one token's accumulators and its activation sum in all lanes.
  llvm::function_ref<llvm::SmallVector<mlir::Value>(
      TileEmitter &emitter, llvm::ArrayRef<mlir::Value> acc, mlir::Value sum)>
      finish;
};

/// Emits the multiplication of `operands` with a format of 4-column steps.
void emitDotTile(mlir::OpBuilder &builder, mlir::Location loc,
                 const TargetInfo &target, const TileOperands &operands,
                 const DotTile &tile);

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_DOTTILE_H
