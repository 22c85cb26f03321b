//===- tokenizer.cpp - Opening a tokenizer blob ---------------------------===//
//
// Checks every number of the blob once, in about the time it takes to read it,
// so that the code that uses it needs no checks. The arrays are walked in plain
// loops without early exits, which the compiler vectorizes.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer.h"

#include <cstring>
#include <limits>

using namespace bitnet;
using namespace bitnet::tokfmt;

namespace {

/// Looks into a blob whose header and section table are sound.
class Checker {
public:
  explicit Checker(const char *base) : base(base) {
    header = reinterpret_cast<const Header *>(base);
  }

  template <typename T> Span<T> get(SectionKind kind) const {
    const Section &section = header->sections[kind];
    return {reinterpret_cast<const T *>(base + section.offset),
            static_cast<uint32_t>(section.bytes / sizeof(T))};
  }

  /// Whether the section is `count` elements of T, or any number of them.
  template <typename T> bool isArray(SectionKind kind) const {
    return header->sections[kind].bytes % sizeof(T) == 0;
  }
  template <typename T> bool isArray(SectionKind kind, uint64_t count) const {
    return header->sections[kind].bytes == count * sizeof(T);
  }

  /// Whether there are vocabSize + 1 offsets, ascending from 0 to `end`.
  bool areOffsets(SectionKind kind, uint32_t end, uint32_t maxStep) const {
    if (!isArray<uint32_t>(kind, uint64_t(header->vocabSize) + 1))
      return false;
    Span<uint32_t> offsets = get<uint32_t>(kind);
    bool good = offsets[0] == 0 && offsets[header->vocabSize] == end;
    // A blob is below 2^31 bytes: the difference of a descending pair of
    // offsets, both at most `end`, wraps to more than any maxStep.
    for (uint32_t i = 0; i < header->vocabSize; ++i)
      good &= offsets[i + 1] - offsets[i] <= maxStep;
    for (uint32_t i = 0; i <= header->vocabSize; ++i)
      good &= offsets[i] <= end;
    return good;
  }

  bool isToken(int64_t id) const { return id >= 0 && id < header->vocabSize; }
  bool areTokens(SectionKind kind) const {
    if (!isArray<int32_t>(kind))
      return false;
    bool good = true;
    for (int32_t id : get<int32_t>(kind))
      good &= isToken(id);
    return good;
  }
  bool isText(uint32_t offset, uint32_t bytes) const {
    return uint64_t(offset) + bytes <= header->sections[Strings].bytes;
  }

  /// Whether all sections lie inside the blob.
  bool sections(size_t bytes) const;
  /// The first thing that is wrong with the rest, or nullptr.
  const char *check() const;

  const char *base;
  const Header *header;

private:
  bool tokens() const;
  bool vocabHash() const;
  bool merges() const;
  bool added(SectionKind kind) const;
  bool steps() const;
  bool unicode() const;
};

/// Every byte token is "<0xNN>", so that decoding can take its digits.
bool Checker::tokens() const {
  uint32_t vocab = header->vocabSize;
  if (!areOffsets(TokenOffsets, header->sections[TokenText].bytes,
                  maxTokenBytes) ||
      !isArray<uint8_t>(TokenKinds, vocab))
    return false;
  Span<uint8_t> kinds = get<uint8_t>(TokenKinds);
  Span<uint32_t> offsets = get<uint32_t>(TokenOffsets);
  Span<char> text = get<char>(TokenText);
  auto isHex = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
  };
  bool good = true;
  for (uint32_t id = 0; id < vocab; ++id) {
    good &= kinds[id] <= Special;
    if (kinds[id] != Byte)
      continue;
    const char *name = text.begin() + offsets[id];
    good &=
        offsets[id + 1] - offsets[id] == 6 && isHex(name[3]) && isHex(name[4]);
  }
  return good;
}

bool Checker::vocabHash() const {
  Span<uint32_t> slots = get<uint32_t>(VocabHash);
  if (!isArray<uint32_t>(VocabHash) || slots.empty() ||
      (slots.size & (slots.size - 1)) != 0)
    return false;
  bool good = true, free = false;
  for (uint32_t entry : slots) {
    good &= entry <= header->vocabSize;
    free |= entry == 0;
  }
  return good && free;
}

bool Checker::merges() const {
  if (!isArray<Merge>(Merges))
    return false;
  Span<Merge> all = get<Merge>(Merges);
  if (!areOffsets(MergeRows, all.size, header->vocabSize))
    return false;
  bool good = true;
  for (const Merge &merge : all)
    good &= merge.right < header->vocabSize && merge.result < header->vocabSize;
  return good;
}

bool Checker::added(SectionKind kind) const {
  if (!isArray<AddedToken>(kind))
    return false;
  for (const AddedToken &token : get<AddedToken>(kind))
    if (token.textBytes == 0 || !isText(token.text, token.textBytes) ||
        !isToken(token.id))
      return false;
  return true;
}

bool Checker::steps() const {
  if (!isArray<Step>(Normalizers) || !isArray<Step>(Splitters) ||
      !isArray<Step>(Decoders))
    return false;
  auto textsAreGood = [&](const Step &step) {
    return isText(step.a, step.aBytes) && isText(step.b, step.bBytes);
  };
  for (const Step &step : get<Step>(Normalizers))
    if (!textsAreGood(step) || step.kind >= numNormalizerKinds ||
        (step.kind == Replace && step.aBytes == 0))
      return false;
  bool cuts = false;
  for (const Step &step : get<Step>(Splitters)) {
    bool edits = step.kind == EditReplace || step.kind == EditPrepend;
    cuts |= !edits;
    if (!textsAreGood(step) || step.kind >= numSplitterKinds ||
        (edits && cuts) || (step.kind == EditReplace && step.aBytes == 0))
      return false;
  }
  for (const Step &step : get<Step>(Decoders))
    if (!textsAreGood(step) || step.kind >= numDecoderKinds ||
        (step.kind == DecodeReplace && step.aBytes == 0))
      return false;
  return true;
}

bool Checker::unicode() const {
  if (!isArray<uint16_t>(ClassIndex, classIndexSize) ||
      !isArray<uint8_t[classBlockSize]>(ClassBlocks) ||
      !isArray<Decomposition>(Decompositions) ||
      !isArray<Composition>(Compositions) ||
      !isArray<CombiningClass>(Combining))
    return false;
  uint32_t blocks = header->sections[ClassBlocks].bytes / classBlockSize;
  bool good = true;
  for (uint16_t block : get<uint16_t>(ClassIndex))
    good &= block < blocks;
  for (const Decomposition &entry : get<Decomposition>(Decompositions))
    for (uint32_t part : entry.parts)
      good &= part < 0x110000;
  for (const Composition &entry : get<Composition>(Compositions))
    good &= entry.code < 0x110000;
  return good;
}

/// Whether all sections lie inside the blob.
bool Checker::sections(size_t bytes) const {
  for (const Section &section : header->sections)
    if (section.offset % alignment != 0 || section.offset > bytes ||
        section.bytes > bytes - section.offset)
      return false;
  return true;
}

const char *Checker::check() const {
  uint32_t vocab = header->vocabSize;
  if (vocab == 0 || vocab > maxVocab)
    return "the tokenizer has an impossible vocabulary size";
  if (header->bos < -1 || header->unknown < -1 ||
      header->bos >= int64_t(vocab) || header->unknown >= int64_t(vocab))
    return "a special token of the tokenizer is out of range";
  if (!tokens())
    return "the token table of the tokenizer is damaged";
  if (!vocabHash())
    return "the vocabulary index of the tokenizer is damaged";
  if (!merges())
    return "the merge table of the tokenizer is damaged";
  bool bytesAreGood = isArray<int32_t>(ByteTokens, 256);
  for (int32_t id : get<int32_t>(ByteTokens))
    bytesAreGood &= id == -1 || isToken(id);
  if (!bytesAreGood)
    return "the byte table of the tokenizer is damaged";
  if (!added(AddedRaw) || !added(AddedNormal))
    return "the added tokens of the tokenizer are damaged";
  if (!areTokens(Prefix) || !areTokens(Suffix) || !isArray<int32_t>(Eos))
    return "the special tokens of the tokenizer are damaged";
  if (!steps())
    return "the steps of the tokenizer are damaged";
  if (!unicode())
    return "the character tables of the tokenizer are damaged";
  return nullptr;
}

} // namespace

const char *Tokenizer::open(const void *data, size_t bytes, Tokenizer &out) {
  out = Tokenizer();
  if (bytes < sizeof(Header))
    return "the tokenizer is cut off";
  if (reinterpret_cast<uintptr_t>(data) % alignment != 0)
    return "the tokenizer is not aligned in memory";
  Checker blob(static_cast<const char *>(data));
  const Header &header = *blob.header;
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0)
    return "the tokenizer section holds something else";
  if (header.version != version || header.headerBytes != sizeof(Header))
    return "the tokenizer was written by another version of the compiler";
  if (header.totalBytes != bytes ||
      bytes > std::numeric_limits<int32_t>::max() || !blob.sections(bytes))
    return "the tokenizer is cut off";
  if (const char *reason = blob.check())
    return reason;

  out.header = &header;
  out.tokenOffsets = blob.get<uint32_t>(TokenOffsets).data;
  out.tokenText = blob.get<char>(TokenText).data;
  out.tokenKinds = blob.get<uint8_t>(TokenKinds).data;
  out.vocabHash = blob.get<uint32_t>(VocabHash).data;
  out.vocabHashMask = blob.get<uint32_t>(VocabHash).size - 1;
  out.byteTokens = blob.get<int32_t>(ByteTokens).data;
  out.mergeRows = blob.get<uint32_t>(MergeRows).data;
  out.merges = blob.get<Merge>(Merges).data;
  out.strings = blob.get<char>(Strings).data;
  out.added[RawSet] = blob.get<AddedToken>(AddedRaw);
  out.added[NormalSet] = blob.get<AddedToken>(AddedNormal);
  out.normalizers = blob.get<Step>(Normalizers);
  out.splitters = blob.get<Step>(Splitters);
  out.decoders = blob.get<Step>(Decoders);
  out.prefix = blob.get<int32_t>(Prefix);
  out.suffix = blob.get<int32_t>(Suffix);
  out.eos = blob.get<int32_t>(Eos);
  out.classIndex = blob.get<uint16_t>(ClassIndex).data;
  out.classBlocks = blob.get<uint8_t>(ClassBlocks).data;
  out.decompositions = blob.get<Decomposition>(Decompositions);
  out.compositions = blob.get<Composition>(Compositions);
  out.combining = blob.get<CombiningClass>(Combining);
  for (const Step &step : out.decoders)
    if (step.kind == DecodeStrip)
      out.stripStart += step.argument;
  return nullptr;
}
