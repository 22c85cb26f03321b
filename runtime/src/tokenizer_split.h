//===- tokenizer_split.h - Cutting text into words ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_SPLIT_H
#define BITNET_SRC_TOKENIZER_SPLIT_H

#include "bitnet/tokenizer_format.h"
#include "tokenizer_utf8.h"

namespace bitnet {

/// The Unicode properties of the blob.
struct CharClasses {
  const uint16_t *index;
  const uint8_t *blocks;

  /// CharClass bits of a code point; none for invalidCode.
  uint8_t operator()(uint32_t code) const {
    if (code >= 0x110000)
      return 0;
    uint32_t block = index[code / tokfmt::classBlockSize];
    return blocks[block * tokfmt::classBlockSize +
                  code % tokfmt::classBlockSize];
  }
};

/// End of the piece of `text` that starts at `pos` < text.size(), when it is
/// cut by `step`, a SplitterKind that cuts. Always above `pos`.
size_t cutPiece(const tokfmt::Step &step, const CharClasses &classes,
                std::string_view text, size_t pos);

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_SPLIT_H
