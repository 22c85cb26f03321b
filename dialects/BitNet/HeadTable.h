//===- HeadTable.h - How heads of integers are stored ----------*- C++ -*-===//
//
// An output embedding in int8 or int4 is cut into tiles of 16 rows, so that
// four columns of a hidden state, broadcast, multiply 64 bytes. Columns are
// padded with zeros to whole groups of 32. With l the row of a tile:
//
//   int8: byte c of lane l of step s is column 4s + c of row l.
//   int7: the sketch of a screened head (Formats/HeadSketch.h), even numbers in
//         int8, whose lowest bit is free. Of the 8 steps of a group 7 are
//         stored; the lowest bit of a byte of step s is bit 7 - s of that byte
//         of the eighth, whose own lowest bit is 0.
//   int4: for every group, 16 scales in bf16, those of two rows in 4 bytes,
//         and 4 steps of 64 bytes, whose byte c of lane l has in its lower half
//         column 8s + c, in its upper half column 8s + 4 + c. What an element
//         stands for is scale * 16 * q, q from -8 to 7.
//
// Facts of rows are floats, tile by tile, 16 of each kind:
//
//   int8, int7: scales, sums of the numbers, bounds and lengths of the sketch
//   int4: sums of the row as it is stored
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_DIALECTS_BITNET_HEADTABLE_H
#define BITNETC_DIALECTS_BITNET_HEADTABLE_H

#include <cstdint>

namespace bitnetc::bitnet {

/// Rows of a tile, columns of a group, its bytes in int7 and int4.
constexpr int64_t kHeadTileRows = 16, kHeadGroup = 32, kInt7GroupBytes = 448,
                  kInt4GroupBytes = 288;

/// Columns of a table and of a state's digits, padding included.
constexpr int64_t getHeadColumns(int64_t columns) {
  return (columns + kHeadGroup - 1) / kHeadGroup * kHeadGroup;
}

/// Bytes of a tile of a table of `bits` 8, 7 or 4.
constexpr int64_t getHeadTileBytes(unsigned bits, int64_t columns) {
  int64_t groups = getHeadColumns(columns) / kHeadGroup;
  return groups * (bits == 8   ? kHeadTileRows * kHeadGroup
                   : bits == 7 ? kInt7GroupBytes
                               : kInt4GroupBytes);
}

/// Facts of the rows of a tile.
constexpr int64_t getHeadTileFacts(unsigned bits) {
  return (bits == 4 ? 1 : 4) * kHeadTileRows;
}

} // namespace bitnetc::bitnet

#endif // BITNETC_DIALECTS_BITNET_HEADTABLE_H
