//===- HeadTable.h - Heads of integers are packed --------------*- C++ -*-===//
//
// The layout is that of dialects/BitNet/HeadTable.h.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_FORMATS_HEADTABLE_H
#define BITNETC_FORMATS_HEADTABLE_H

#include "dialects/BitNet/HeadTable.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace bitnetc {

/// Sources of derived weights: the name of the head's source and these.
struct HeadSuffix {
  unsigned bits;
  llvm::StringLiteral name;
};
constexpr HeadSuffix kHeadSuffixes[] = {
    {8, ".int8"}, {7, ".int7"}, {4, ".int4"}};
constexpr llvm::StringLiteral kHeadFactsSuffix = ".facts";
/// The suffix of tables of `bits` 8, 7 or 4.
llvm::StringRef getHeadSuffix(unsigned bits);

/// Whether `--head` means a table of this precision: f16, bf16, int8 or int4.
bool isHeadPrecision(llvm::StringRef name);

/// Rounded to nearest even; what f16 cannot hold becomes infinity.
uint16_t roundToBF16(float value);
uint16_t roundToF16(float value);

/// Packs up to 16 finite rows of `columns` numbers; missing rows are zero, with
/// an infinite bound. Bytes and facts are those of one tile.
void packHeadTile(unsigned bits, llvm::ArrayRef<float> rows, int64_t columns,
                  llvm::MutableArrayRef<uint8_t> bytes,
                  llvm::MutableArrayRef<float> facts);

} // namespace bitnetc

#endif // BITNETC_FORMATS_HEADTABLE_H
