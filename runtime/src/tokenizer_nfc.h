//===- tokenizer_nfc.h - Unicode normalization form C ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_NFC_H
#define BITNET_SRC_TOKENIZER_NFC_H

#include "bitnet/tokenizer_format.h"

#include <string>
#include <string_view>

namespace bitnet {

/// The Unicode data that normalization needs, from the blob.
struct NfcTables {
  tokfmt::Span<tokfmt::Decomposition> decompositions;
  tokfmt::Span<tokfmt::Composition> compositions;
  tokfmt::Span<tokfmt::CombiningClass> combining;
};

/// `text` in normalization form C; stray bytes stay as they are.
std::string normalizeNfc(const NfcTables &tables, std::string_view text);

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_NFC_H
