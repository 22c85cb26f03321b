//===- TileAttention.h - Loops over tokens and their places ----*- C++ -*-===//
//
// The operations that look at where tokens stand, in one sequence or in
// several, become loops: a part of ternary-tile-parallel.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_TRANSFORMS_TILEATTENTION_H
#define BITNETC_LIB_TRANSFORMS_TILEATTENTION_H

#include "dialects/BitNet/BitNet.h"

namespace bitnetc {

/// Attention in memory -> loops over tokens, or parts of the positions, and
/// key-value heads. Erases `op`.
void tileAttention(bitnet::AttentionOp op);

/// Keys and values -> loop over tokens, unless there is one alone.
void tileStore(bitnet::KVStoreOp op);

/// The angles of the places of several tokens -> loop over tokens; those of one
/// sequence are not worth sharing.
void tileAngles(bitnet::RopeAnglesOp op);

} // namespace bitnetc

#endif // BITNETC_LIB_TRANSFORMS_TILEATTENTION_H
