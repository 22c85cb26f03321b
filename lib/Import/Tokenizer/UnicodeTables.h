//===- UnicodeTables.h - Unicode's facts as tables --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_TOKENIZER_UNICODETABLES_H
#define BITNETC_LIB_IMPORT_TOKENIZER_UNICODETABLES_H

#include "bitnet/tokenizer_format.h"
#include <string>
#include <vector>

namespace bitnetc::tokenizer {

/// Two stages: the block of every 128 code points, and the CharClass bits of
/// the different blocks.
struct ClassTable {
  std::vector<uint16_t> index;
  std::vector<uint8_t> blocks;
};
ClassTable buildClassTable();

/// What normalization form C needs besides Hangul, which is computed.
struct NfcTable {
  std::vector<bitnet::tokfmt::Decomposition> decompositions;
  std::vector<bitnet::tokfmt::Composition> compositions;
  std::vector<bitnet::tokfmt::CombiningClass> combining;
};
NfcTable buildNfcTable();

/// UTF-8 `text` in normalization form C.
std::string toNfc(const std::string &text);

} // namespace bitnetc::tokenizer

#endif // BITNETC_LIB_IMPORT_TOKENIZER_UNICODETABLES_H
