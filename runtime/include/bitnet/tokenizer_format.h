//===- tokenizer_format.h - A tokenizer as tables -------------------------===//
//
// The compiler turns tokenizer.json into this blob, the runtime maps it and
// uses it in place. Everything that needs JSON, Unicode data or a per-token
// allocation happens at compile time.
//
//   Header | section | section | ...        each section 8-byte aligned
//
// All numbers are little-endian; offsets count from the start of the blob.
// Sections that a tokenizer does not need have 0 bytes.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_TOKENIZER_FORMAT_H
#define BITNET_TOKENIZER_FORMAT_H

#include <cstddef>
#include <cstdint>

namespace bitnet {
namespace tokfmt {

constexpr char magic[8] = {'B', 'N', 'T', 'O', 'K', 'E', 'N', '\x01'};
/// Bumped with every change of this file; another version is refused.
constexpr uint32_t version = 1;
constexpr uint32_t alignment = 8;
/// Four times the largest vocabulary known (Gemma, 262144).
constexpr uint32_t maxVocab = 1u << 20;
constexpr uint32_t maxTokenBytes = 1u << 16;

/// Order of Header::sections.
enum SectionKind : uint32_t {
  TokenOffsets,   // uint32_t[vocabSize + 1], ascending, into TokenText
  TokenText,      // bytes of the tokens, one after the other
  TokenKinds,     // uint8_t[vocabSize], TokenKind
  VocabHash,      // uint32_t[power of two], see hashToken
  ByteTokens,     // int32_t[256], id of each byte or -1; see ByteLevel
  MergeRows,      // uint32_t[vocabSize + 1], ascending, into Merges
  Merges,         // Merge[], row r: pairs whose left part is token r
  AddedRaw,       // AddedToken[] looked for before normalization, by text
  AddedNormal,    // AddedToken[] looked for after normalization, by text
  Normalizers,    // Step[]
  Splitters,      // Step[]
  Decoders,       // Step[]
  Strings,        // text of added tokens and steps
  Prefix,         // int32_t[], ids that the post-processor puts before a text
  Suffix,         // int32_t[], ... and after it
  Eos,            // int32_t[], ids that end generation
  ClassIndex,     // uint16_t[classIndexSize], block of each 128 code points
  ClassBlocks,    // uint8_t[][128], CharClass bits
  Decompositions, // Decomposition[] by code point: canonical, for Nfc
  Compositions,   // Composition[] by (first, second), for Nfc
  Combining,      // CombiningClass[] by code point, for Nfc
  numSections
};

struct Section {
  uint32_t offset; // multiple of `alignment`
  uint32_t bytes;
};

/// Bits of Header::flags.
enum Flag : uint32_t {
  /// Tokens are byte strings (GPT-2's printable alphabet is already undone);
  /// a word starts as its bytes. Otherwise a word starts as its characters.
  ByteLevel = 1,
  /// A character without a token becomes the tokens of its bytes.
  ByteFallback = 2,
  /// A word that is a token is not merged (Llama-3).
  IgnoreMerges = 4,
  /// Unknown characters side by side become one unknown token.
  FuseUnknown = 8,
  /// Decoding turns byte tokens ("<0x0A>") into their byte.
  DecodeBytes = 16,
};

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t headerBytes; // sizeof(Header)
  uint64_t totalBytes;  // of the blob
  uint32_t vocabSize;   // largest id + 1, 1..maxVocab
  uint32_t flags;
  int32_t bos;     // or -1
  int32_t unknown; // or -1
  Section sections[numSections];
};

enum TokenKind : uint8_t {
  Unused = 0, // a hole in the ids
  Normal = 1,
  Byte = 2,    // "<0xNN>", text of 6 bytes
  Added = 3,   // matched in the text as a whole
  Special = 4, // Added, and left out of decoded text
};

/// left + right = result, done in the order of `rank` (low first). A row is
/// ascending in `right`.
struct Merge {
  uint32_t right, rank, result;
};

enum AddedSet : uint32_t { RawSet = 0, NormalSet = 1 };

/// Bits of AddedToken::flags.
enum AddedFlag : uint32_t {
  AddedSpecial = 1,    // only recognised when special tokens are parsed
  AddedLeftStrip = 2,  // takes the white space before it
  AddedRightStrip = 4, // takes the white space after it
  AddedSingleWord = 8, // not next to a word character
};

/// One string of the text that is a token as it stands. Sorted by bytes, no
/// string twice, none empty: the longest match is found by narrowing a range.
struct AddedToken {
  uint32_t text, textBytes; // into Strings
  uint32_t id;
  uint32_t flags;
};

/// What happens to text, in order. `a` and `b` are texts in Strings.
struct Step {
  uint32_t kind;
  uint32_t argument;
  uint32_t a, aBytes;
  uint32_t b, bBytes;
};

enum NormalizerKind : uint32_t {
  Prepend = 0, // a, before every stretch of text that is not empty
  Replace = 1, // each a by b; a is not empty
  Nfc = 2,     // Unicode normalization form C
  numNormalizerKinds
};

/// How a stretch of text becomes words. The two edits come before every cut.
/// The patterns stand in lib/Import/Tokenizer/Patterns.cpp with their sources.
enum SplitterKind : uint32_t {
  /// Edit: each a by b; a is not empty (HF: Metaspace).
  EditReplace = 0,
  /// Edit: a in front, unless it is there already; argument 1: only in front
  /// of the start of the whole text.
  EditPrepend = 1,
  SplitGpt2 = 2,
  SplitLlama3 = 3,
  SplitQwen2 = 4,
  SplitQwen35 = 5,
  SplitPunctuation = 6, // runs of punctuation apart
  SplitDigits = 7,      // runs of \p{N} apart; argument 1: each alone
  /// SplitDigits on GPT-2's printable alphabet: its digits are 0-9 and the
  /// bytes B2 B3 B9 BC BD BE, which that alphabet shows as superscripts and
  /// fractions.
  SplitByteDigits = 8,
  SplitThreeDigits = 9, // [0-9][0-9][0-9] apart
  numSplitterKinds
};

enum DecoderKind : uint32_t {
  DecodeReplace = 0, // in every token, each a by b; a is not empty
  DecodeStrip = 1,   // up to `argument` spaces at the start of the text
  numDecoderKinds
};

/// Bits of the ClassBlocks.
enum CharClass : uint8_t {
  ClassLetter = 1,       // \p{L}
  ClassNumber = 2,       // \p{N}
  ClassMark = 4,         // \p{M}
  ClassSpace = 8,        // \s: White_Space
  ClassWord = 16,        // \w as in the Rust crate regex
  ClassPunctuation = 32, // \p{P} and the other ASCII signs: $+<=>^`|~
};
constexpr uint32_t classBlockSize = 128;
constexpr uint32_t classIndexSize = 0x110000 / classBlockSize;

/// Full canonical decomposition, filled up with 0. Hangul is computed.
struct Decomposition {
  uint32_t code;
  uint32_t parts[4];
};
struct Composition {
  uint32_t first, second, code;
};
struct CombiningClass {
  uint32_t code;
  uint32_t value; // 1..255
};

/// An array inside the blob.
template <typename T> struct Span {
  const T *data = nullptr;
  uint32_t size = 0;
  const T *begin() const { return data; }
  const T *end() const { return data + size; }
  bool empty() const { return size == 0; }
  const T &operator[](uint32_t index) const { return data[index]; }
};

/// FNV-1a, 32 bits, with a final mix. Slot = hash & (slots - 1), then the
/// next one; a slot holds id + 1, or 0 when free. At least one slot is free.
inline uint32_t hashToken(const char *text, size_t bytes) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < bytes; ++i)
    hash = (hash ^ static_cast<uint8_t>(text[i])) * 16777619u;
  hash ^= hash >> 15;
  hash *= 0x2c1b3c6du;
  return hash ^ (hash >> 13);
}

} // namespace tokfmt
} // namespace bitnet

#endif // BITNET_TOKENIZER_FORMAT_H
