//===- DotTile.h - The loop of all dot-product formats ---------*- C++ -*-===//
//
// A vector of 64 bytes is 16 lanes x 4 columns: four activations, broadcast to
// all lanes, multiply every byte. The loop over steps, tokens and streams is
// the same for all formats.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_FORMATS_DOTTILE_H
#define BITNETC_LIB_FORMATS_DOTTILE_H

#include "TileEmitter.h"

namespace bitnetc {

/// The activations of a step: `get` loads four columns of a token, repeated.
/// The last step of a matrix may have fewer quads than others.
struct StepActivations {
  int64_t quads, tokens;
  llvm::function_ref<mlir::Value(int64_t quad, int64_t token)> get;
};

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
  /// Adds a part's packed bytes, one vector for each 64 bytes of the step,
  /// times the activations of M tokens to `acc[token * accumulators + i]`:
  /// 32-bit lanes, or 16-bit words where `shortSteps` is set.
  llvm::function_ref<void(TileEmitter &emitter,
                          llvm::ArrayRef<mlir::Value> bytes,
                          const StepActivations &activations,
                          llvm::MutableArrayRef<mlir::Value> acc)>
      step;
  /// The products of a part's lanes, one vector per 16 rows of the tile, from
  /// one token's accumulators and its activation sum in all lanes.
  llvm::function_ref<llvm::SmallVector<mlir::Value>(
      TileEmitter &emitter, llvm::ArrayRef<mlir::Value> acc, mlir::Value sum)>
      finish;
  /// Not 0: accumulators are pairs' sums (`ternary.dot2`) in 16 bits, which
  /// hold this many steps; then they are added to 32-bit ones.
  int64_t shortSteps = 0;
};

/// Emits the multiplication of `operands`, whose steps have the columns and
/// bytes of `geometry`: multiples of 4 and of 64.
void emitDotTile(mlir::OpBuilder &builder, mlir::Location loc,
                 const TargetInfo &target, const TileOperands &operands,
                 const Geometry &geometry, const DotTile &tile);

/// Steps whose products of weights' bytes up to `max` can be added in pairs in
/// 16 bits: a pair is at most 2 * 128 * max in magnitude, and 128 / max of them
/// at most 2^15, which only -2^15 reaches (127 is the largest activation).
int64_t getShortSteps(const Geometry &geometry, int64_t max);

} // namespace bitnetc

#endif // BITNETC_LIB_FORMATS_DOTTILE_H
