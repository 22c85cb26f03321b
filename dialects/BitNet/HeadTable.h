//===- HeadTable.h - How heads of integers are stored ----------*- C++ -*-===//
//
// An output embedding in int8 or int4 is cut into tiles of 16 rows, so that
// four columns of a hidden state, broadcast, multiply 64 bytes. Columns are
// padded with zeros to whole groups of 32. With l the row of a tile:
//
//   int8: byte c of lane l of step s is column 4s + c of row l. It is also the
//         sketch of a screened head (Formats/HeadSketch.h).
//   int4: for every group, 16 scales in bf16, those of two rows in 4 bytes,
//         and 4 steps of 64 bytes, whose byte c of lane l has in its lower half
//         column 8s + c, in its upper half column 8s + 4 + c. What an element
//         stands for is scale * 16 * q, q from -8 to 7.
//
// Facts of rows are floats, tile by tile, 16 of each kind:
//
//   int8: scales, sums of the bytes, bounds and lengths of the sketch
//   int4: sums of the row as it is stored
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_DIALECTS_BITNET_HEADTABLE_H
#define BITNETC_DIALECTS_BITNET_HEADTABLE_H

#include <cstdint>

namespace bitnetc::bitnet {

/// Rows of a tile, columns and bytes of a group of int4.
constexpr int64_t kHeadTileRows = 16, kHeadGroup = 32, kInt4GroupBytes = 288;

/// Columns of a table and of a state's digits, padding included.
constexpr int64_t getHeadColumns(int64_t columns) {
  return (columns + kHeadGroup - 1) / kHeadGroup * kHeadGroup;
}

/// Bytes of a tile of a table of `bits` 8 or 4.
constexpr int64_t getHeadTileBytes(unsigned bits, int64_t columns) {
  int64_t padded = getHeadColumns(columns);
  return bits == 8 ? kHeadTileRows * padded
                   : padded / kHeadGroup * kInt4GroupBytes;
}

/// Facts of the rows of a tile.
constexpr int64_t getHeadTileFacts(unsigned bits) {
  return (bits == 8 ? 4 : 1) * kHeadTileRows;
}

} // namespace bitnetc::bitnet

#endif // BITNETC_DIALECTS_BITNET_HEADTABLE_H
