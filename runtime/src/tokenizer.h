//===- tokenizer.h - Text to token ids and back ---------------------------===//
//
// Reads the tokenizer section of a produced executable in place: the compiler
// has already turned tokenizer.json into tables (bitnet/tokenizer_format.h), so
// opening one allocates nothing and takes well under a millisecond, whatever
// the vocabulary. Neither JSON nor a Unicode library is needed at run time.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_H
#define BITNET_SRC_TOKENIZER_H

#include "bitnet/tokenizer_format.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitnet {

/// A tokenizer over a mapped blob. Copies are cheap and share the blob, which
/// must outlive them. All methods are const and may run on many threads.
class Tokenizer {
public:
  /// Opens the `bytes` bytes at `data` (8-byte aligned). Everything is checked
  /// here, so that a broken blob is refused and never crashes later. Returns
  /// nullptr and fills `out`, or returns the reason (a static text).
  static const char *open(const void *data, size_t bytes, Tokenizer &out);

  /// Token ids of `text`, as the Hugging Face `tokenizers` library gives them.
  /// `addSpecial`: add what the post-processor adds (bos, eos).
  /// `parseSpecial`: recognise special tokens written out in the text; without
  /// it "<|eot_id|>" is plain text, which is what untrusted input should be.
  /// Text that is not UTF-8 is encoded byte by byte.
  std::vector<int32_t> encode(std::string_view text, bool addSpecial,
                              bool parseSpecial) const;

  /// Bytes of one token, special ones included ("<|eot_id|>"). May be part of
  /// a UTF-8 character; empty for an id without a token.
  std::string decodeToken(int32_t id) const;

  /// Turns ids, one at a time, into text: never emits part of a UTF-8
  /// character, leaves special tokens out, applies the decoder's rules
  /// (Llama-2 drops the first space of a text). Bytes that can no longer become
  /// a character come out as U+FFFD.
  class Stream {
  public:
    /// `atStart` false: the text goes on after other text (a prompt), so that
    /// the first space stays.
    explicit Stream(const Tokenizer &tokenizer, bool atStart = true)
        : tokenizer(&tokenizer), stripLeft(atStart ? tokenizer.stripStart : 0) {
    }
    /// The text that became complete with this token; may be empty.
    std::string push(int32_t id);
    /// Ends the text: whatever is pending, as U+FFFD.
    std::string flush();

  private:
    const Tokenizer *tokenizer;
    std::string pending;
    uint32_t stripLeft; // spaces still to drop at the start of the text
  };

  /// Whether generation ends with this token.
  bool isEos(int32_t id) const;
  /// The token that opens a text, or -1.
  int32_t bos() const { return header ? header->bos : -1; }
  /// Largest token id + 1. Ids of the model at or above it have no text.
  int32_t vocabSize() const {
    return header ? static_cast<int32_t>(header->vocabSize) : 0;
  }

private:
  friend class Stream;
  friend class TokenizerEncoder;

  bool has(uint32_t flag) const { return header && (header->flags & flag); }
  std::string_view string(uint32_t offset, uint32_t bytes) const {
    return {strings + offset, bytes};
  }
  std::string_view token(uint32_t id) const {
    return {tokenText + tokenOffsets[id],
            tokenOffsets[id + 1] - tokenOffsets[id]};
  }

  // Views into the blob, checked by open().
  const tokfmt::Header *header = nullptr;
  const uint32_t *tokenOffsets = nullptr;
  const char *tokenText = nullptr;
  const uint8_t *tokenKinds = nullptr;
  const uint32_t *vocabHash = nullptr;
  uint32_t vocabHashMask = 0;
  const int32_t *byteTokens = nullptr;
  const uint32_t *mergeRows = nullptr;
  const tokfmt::Merge *merges = nullptr;
  const char *strings = nullptr;
  tokfmt::Span<tokfmt::AddedToken> added[2]; // by tokfmt::AddedSet
  tokfmt::Span<tokfmt::Step> normalizers, splitters, decoders;
  tokfmt::Span<int32_t> prefix, suffix, eos;
  const uint16_t *classIndex = nullptr;
  const uint8_t *classBlocks = nullptr;
  tokfmt::Span<tokfmt::Decomposition> decompositions;
  tokfmt::Span<tokfmt::Composition> compositions;
  tokfmt::Span<tokfmt::CombiningClass> combining;
  uint32_t stripStart = 0;
};

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_H
