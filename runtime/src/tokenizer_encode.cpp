//===- tokenizer_encode.cpp - Text to token ids ---------------------------===//
//
// The stages of the Hugging Face tokenizers library, in its order: added tokens
// that are matched in the raw text, normalization, added tokens that are
// matched after it, cutting into words, merging, and the ids the post-processor
// puts around the text.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer.h"
#include "tokenizer_bpe.h"
#include "tokenizer_nfc.h"
#include "tokenizer_split.h"
#include "tokenizer_text.h"

#include <algorithm>
#include <bitset>

using namespace bitnet;
using namespace bitnet::tokfmt;

namespace bitnet {

/// One call of encode().
class TokenizerEncoder {
public:
  TokenizerEncoder(const Tokenizer &tokenizer, bool parseSpecial)
      : t(tokenizer), classes{t.classIndex, t.classBlocks},
        parseSpecial(parseSpecial), merger(t.mergeRows, t.merges) {
    for (AddedSet set : {RawSet, NormalSet})
      for (const AddedToken &token : t.added[set])
        firstBytes[set][static_cast<uint8_t>(t.strings[token.text])] = true;
  }

  std::vector<int32_t> run(std::string_view text, bool addSpecial) {
    if (addSpecial)
      out.insert(out.end(), t.prefix.begin(), t.prefix.end());
    matchAdded(RawSet, text, [&](std::string_view stretch) {
      atTextStart = stretch.data() == text.data();
      normalize(stretch);
    });
    if (addSpecial)
      out.insert(out.end(), t.suffix.begin(), t.suffix.end());
    return std::move(out);
  }

private:
  /// Calls `between` for the stretches of text (not empty) between added
  /// tokens and appends the ids of those.
  template <typename Between>
  void matchAdded(AddedSet set, std::string_view text, Between between);
  const AddedToken *longestMatch(Span<AddedToken> tokens,
                                 std::string_view text) const;
  size_t spaceBefore(std::string_view text, size_t pos) const;
  size_t spaceAfter(std::string_view text, size_t pos) const;
  bool isWordAt(std::string_view text, size_t pos) const;
  bool isWordBefore(std::string_view text, size_t pos) const;

  void normalize(std::string_view text);
  void editAndCut(std::string_view text);
  void cut(uint32_t level, std::string_view text);
  void encodeWord(std::string_view word);
  int32_t lookUp(std::string_view text) const;

  std::string_view a(const Step &step) const {
    return t.string(step.a, step.aBytes);
  }
  std::string_view b(const Step &step) const {
    return t.string(step.b, step.bBytes);
  }

  const Tokenizer &t;
  CharClasses classes;
  bool parseSpecial;
  bool atTextStart = true; // the present stretch opens the text
  /// Bytes that begin an added token: most positions need no search.
  std::bitset<256> firstBytes[2];
  BpeMerger merger;
  std::vector<int32_t> out;
};

} // namespace bitnet

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

/// The longest added token at the start of `text`, or null. The table is sorted
/// by bytes: each byte of the text narrows the range of those that agree.
const AddedToken *TokenizerEncoder::longestMatch(Span<AddedToken> tokens,
                                                 std::string_view text) const {
  const AddedToken *low = tokens.begin(), *high = tokens.end(), *best = nullptr;
  for (size_t depth = 0; low != high && depth < text.size(); ++depth) {
    auto byteAt = [&](const AddedToken &token) {
      return token.textBytes > depth
                 ? static_cast<uint8_t>(t.strings[token.text + depth])
                 : -1;
    };
    int byte = static_cast<uint8_t>(text[depth]);
    low = std::lower_bound(low, high, byte,
                           [&](const AddedToken &token, int value) {
                             return byteAt(token) < value;
                           });
    high = std::upper_bound(low, high, byte,
                            [&](int value, const AddedToken &token) {
                              return value < byteAt(token);
                            });
    if (low != high && low->textBytes == depth + 1)
      best = low;
  }
  return best;
}

/// Start of the white space that ends at `pos`.
size_t TokenizerEncoder::spaceBefore(std::string_view text, size_t pos) const {
  while (pos > 0) {
    size_t start = pos - 1;
    while (start > 0 && (text[start] & 0xc0) == 0x80 && pos - start < 4)
      --start;
    Utf8Char c = readUtf8(text, start);
    if (start + c.bytes != pos || !(classes(c.code) & ClassSpace))
      break;
    pos = start;
  }
  return pos;
}

/// End of the white space that starts at `pos`.
size_t TokenizerEncoder::spaceAfter(std::string_view text, size_t pos) const {
  while (pos < text.size()) {
    Utf8Char c = readUtf8(text, pos);
    if (!(classes(c.code) & ClassSpace))
      break;
    pos += c.bytes;
  }
  return pos;
}

bool TokenizerEncoder::isWordAt(std::string_view text, size_t pos) const {
  return pos < text.size() &&
         (classes(readUtf8(text, pos).code) & ClassWord) != 0;
}

bool TokenizerEncoder::isWordBefore(std::string_view text, size_t pos) const {
  if (pos == 0)
    return false;
  size_t start = pos - 1;
  while (start > 0 && (text[start] & 0xc0) == 0x80 && pos - start < 4)
    --start;
  Utf8Char c = readUtf8(text, start);
  return start + c.bytes == pos && (classes(c.code) & ClassWord) != 0;
}

template <typename Between>
void TokenizerEncoder::matchAdded(AddedSet set, std::string_view text,
                                  Between between) {
  Span<AddedToken> tokens = t.added[set];
  size_t done = 0; // everything before is encoded
  auto encodeUpTo = [&](size_t end) {
    if (done < end)
      between(text.substr(done, end - done));
  };
  for (size_t pos = 0; !tokens.empty() && pos < text.size();) {
    bool possible = firstBytes[set][static_cast<uint8_t>(text[pos])];
    const AddedToken *token =
        possible ? longestMatch(tokens, text.substr(pos)) : nullptr;
    if (!token) {
      ++pos;
      continue;
    }
    size_t start = pos, end = pos + token->textBytes;
    pos = end; // also when refused: matches never overlap
    if (!parseSpecial && (token->flags & AddedSpecial))
      continue;
    if ((token->flags & AddedSingleWord) &&
        (isWordBefore(text, start) || isWordAt(text, end)))
      continue;
    if (token->flags & AddedLeftStrip)
      start = std::max(spaceBefore(text, start), done);
    if (token->flags & AddedRightStrip)
      end = spaceAfter(text, end);
    encodeUpTo(start);
    out.push_back(static_cast<int32_t>(token->id));
    // The search goes on behind the token, not behind the white space that it
    // took: as in the library, a token made of white space still matches there.
    done = end;
  }
  encodeUpTo(text.size());
}

//===----------------------------------------------------------------------===//
// Normalization and cutting
//===----------------------------------------------------------------------===//

void TokenizerEncoder::normalize(std::string_view text) {
  std::string copy;
  for (const Step &step : t.normalizers) {
    switch (step.kind) {
    case Prepend:
      copy = std::string(a(step)) + std::string(text);
      break;
    case Replace:
      copy = replaceAll(text, a(step), b(step));
      break;
    case Nfc:
      copy =
          normalizeNfc({t.decompositions, t.compositions, t.combining}, text);
      break;
    }
    text = copy;
  }
  bool stretchAtStart = atTextStart;
  matchAdded(NormalSet, text, [&](std::string_view stretch) {
    atTextStart = stretchAtStart && stretch.data() == text.data();
    editAndCut(stretch);
  });
}

void TokenizerEncoder::editAndCut(std::string_view text) {
  std::string copy;
  uint32_t level = 0;
  for (; level < t.splitters.size; ++level) {
    const Step &step = t.splitters[level];
    if (step.kind == EditReplace) {
      copy = replaceAll(text, a(step), b(step));
    } else if (step.kind == EditPrepend) {
      bool there = text.substr(0, step.aBytes) == a(step);
      if (there || (step.argument && !atTextStart))
        continue;
      copy = std::string(a(step)) + std::string(text);
    } else {
      break;
    }
    text = copy;
  }
  cut(level, text);
}

void TokenizerEncoder::cut(uint32_t level, std::string_view text) {
  if (level == t.splitters.size)
    return encodeWord(text);
  for (size_t pos = 0; pos < text.size();) {
    size_t end = cutPiece(t.splitters[level], classes, text, pos);
    cut(level + 1, text.substr(pos, end - pos));
    pos = end;
  }
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// The token with this text, or -1.
int32_t TokenizerEncoder::lookUp(std::string_view text) const {
  uint32_t slot = hashToken(text.data(), text.size());
  for (;; ++slot) {
    uint32_t entry = t.vocabHash[slot & t.vocabHashMask];
    if (!entry) // open() made sure that there is one
      return -1;
    if (t.token(entry - 1) == text)
      return static_cast<int32_t>(entry - 1);
  }
}

void TokenizerEncoder::encodeWord(std::string_view word) {
  if (t.has(IgnoreMerges)) {
    int32_t whole = lookUp(word);
    if (whole >= 0)
      return out.push_back(whole);
  }
  merger.clear();
  // An unknown token waits here, so that unknown neighbours can join it.
  bool unknown = false;
  for (size_t pos = 0, bytes = 0; pos < word.size(); pos += bytes) {
    bytes = t.has(ByteLevel) ? 1 : unitBytes(word, pos);
    auto byteToken = [&](size_t i) {
      return t.byteTokens[static_cast<uint8_t>(word[pos + i])];
    };
    int32_t id =
        t.has(ByteLevel) ? byteToken(0) : lookUp(word.substr(pos, bytes));
    if (id >= 0) {
      if (unknown)
        merger.add(t.header->unknown);
      unknown = false;
      merger.add(id);
      continue;
    }
    bool allBytes = t.has(ByteFallback);
    for (size_t i = 0; i < bytes && allBytes; ++i)
      allBytes = byteToken(i) >= 0;
    if (allBytes) {
      for (size_t i = 0; i < bytes; ++i)
        merger.add(byteToken(i));
      continue;
    }
    if (t.header->unknown < 0)
      continue; // as the reference does: the character is lost
    if (unknown && !t.has(FuseUnknown))
      merger.add(t.header->unknown);
    unknown = true;
  }
  if (unknown)
    merger.add(t.header->unknown);
  merger.finish(out);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool addSpecial,
                                       bool parseSpecial) const {
  if (!header)
    return {};
  return TokenizerEncoder(*this, parseSpecial).run(text, addSpecial);
}
