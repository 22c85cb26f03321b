//===- Blob.cpp - Writing the tables of tokenizer_format.h ----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerModel.h"
#include "UnicodeTables.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;
using namespace llvm;

static_assert(sys::IsLittleEndianHost,
              "the structs of the blob are written as they are in memory");

namespace {

class Writer {
public:
  explicit Writer(const TokenizerModel &model) : model(model) {
    blob.resize(sizeof(Header));
  }

  Expected<std::vector<char>> write(StringRef file);

private:
  template <typename T>
  void section(SectionKind kind, const std::vector<T> &data) {
    blob.resize(alignTo(blob.size(), alignment));
    size_t bytes = data.size() * sizeof(T), offset = blob.size();
    // Lengths above 32 bits are refused at the end, by the total.
    header.sections[kind] = {uint32_t(offset), uint32_t(bytes)};
    blob.resize(offset + bytes);
    if (bytes)
      std::memcpy(blob.data() + offset, data.data(), bytes);
  }
  uint32_t addString(StringRef text) {
    uint32_t offset = uint32_t(strings.size());
    strings.insert(strings.end(), text.begin(), text.end());
    return offset;
  }

  void writeTokens();
  void writeVocabHash();
  void writeMerges();
  void writeAdded(SectionKind kind, std::vector<AddedText> tokens);
  void writeSteps(SectionKind kind, const std::vector<StepText> &steps);
  void writeUnicode();

  const TokenizerModel &model;
  Header header = {};
  std::vector<char> blob, strings;
};

} // namespace

void Writer::writeTokens() {
  std::vector<uint32_t> offsets = {0};
  std::vector<char> text;
  std::vector<uint8_t> kinds;
  for (const Token &token : model.tokens) {
    text.insert(text.end(), token.text.begin(), token.text.end());
    offsets.push_back(uint32_t(text.size()));
    kinds.push_back(token.kind);
  }
  section(TokenOffsets, offsets);
  section(TokenText, text);
  section(TokenKinds, kinds);
}

void Writer::writeVocabHash() {
  // At most half full: a look-up of a word that is no token ends soon.
  std::vector<uint32_t> slots(PowerOf2Ceil(model.tokens.size() * 2 + 1));
  uint32_t mask = uint32_t(slots.size()) - 1;
  for (uint32_t id = 0; id < model.tokens.size(); ++id) {
    const Token &token = model.tokens[id];
    if (!token.inVocabulary)
      continue;
    uint32_t slot = hashToken(token.text.data(), token.text.size()) & mask;
    while (slots[slot])
      slot = (slot + 1) & mask;
    slots[slot] = id + 1;
  }
  section(VocabHash, slots);
}

void Writer::writeMerges() {
  std::vector<MergeRule> rules = model.merges;
  llvm::sort(rules, [](const MergeRule &a, const MergeRule &b) {
    return std::tie(a.left, a.right, a.rank) <
           std::tie(b.left, b.right, b.rank);
  });
  std::vector<uint32_t> rows(model.tokens.size() + 1);
  std::vector<Merge> merges;
  for (size_t i = 0; i < rules.size(); ++i) {
    const MergeRule &rule = rules[i];
    // The last of several equal pairs counts, as in the library's hash map.
    if (i + 1 < rules.size() && rules[i + 1].left == rule.left &&
        rules[i + 1].right == rule.right)
      continue;
    merges.push_back({rule.right, rule.rank, rule.result});
    rows[rule.left + 1] = uint32_t(merges.size());
  }
  for (size_t i = 1; i < rows.size(); ++i)
    rows[i] = std::max(rows[i], rows[i - 1]);
  section(MergeRows, rows);
  section(Merges, merges);
}

void Writer::writeAdded(SectionKind kind, std::vector<AddedText> tokens) {
  llvm::sort(tokens, [](const AddedText &a, const AddedText &b) {
    return std::tie(a.text, a.id) < std::tie(b.text, b.id);
  });
  std::vector<AddedToken> out;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const AddedText &token = tokens[i];
    if (i > 0 && tokens[i - 1].text == token.text)
      continue; // the first one wins, as in the library's automaton
    out.push_back({addString(token.text), uint32_t(token.text.size()), token.id,
                   token.flags});
  }
  section(kind, out);
}

void Writer::writeSteps(SectionKind kind, const std::vector<StepText> &steps) {
  std::vector<Step> out;
  for (const StepText &step : steps)
    out.push_back({step.kind, step.argument, addString(step.a),
                   uint32_t(step.a.size()), addString(step.b),
                   uint32_t(step.b.size())});
  section(kind, out);
}

void Writer::writeUnicode() {
  ClassTable classes = buildClassTable();
  section(ClassIndex, classes.index);
  section(ClassBlocks, classes.blocks);
  auto isNfc = [](const StepText &step) { return step.kind == Nfc; };
  NfcTable nfc;
  if (std::any_of(model.normalizers.begin(), model.normalizers.end(), isNfc))
    nfc = buildNfcTable();
  section(Decompositions, nfc.decompositions);
  section(Compositions, nfc.compositions);
  section(Combining, nfc.combining);
}

Expected<std::vector<char>> Writer::write(StringRef file) {
  writeTokens();
  writeVocabHash();
  section(ByteTokens, std::vector<int32_t>(std::begin(model.byteTokens),
                                           std::end(model.byteTokens)));
  writeMerges();
  writeAdded(AddedRaw, model.added[RawSet]);
  writeAdded(AddedNormal, model.added[NormalSet]);
  writeSteps(Normalizers, model.normalizers);
  writeSteps(Splitters, model.splitters);
  writeSteps(Decoders, model.decoders);
  section(Strings, strings);
  section(Prefix, model.prefix);
  section(Suffix, model.suffix);
  section(Eos, model.eos);
  writeUnicode();
  if (blob.size() > size_t(std::numeric_limits<int32_t>::max()))
    return makeFileError(file, "tokenizer: expected tables below 2 GiB, but "
                               "got " +
                                   Twine(blob.size()) + " bytes");
  std::memcpy(header.magic, magic, sizeof(magic));
  header.version = version;
  header.headerBytes = sizeof(Header);
  header.totalBytes = blob.size();
  header.vocabSize = uint32_t(model.tokens.size());
  header.flags = model.flags;
  header.bos = model.bos;
  header.unknown = model.unknown;
  std::memcpy(blob.data(), &header, sizeof(header));
  return std::move(blob);
}

Expected<std::vector<char>> tokenizer::writeBlob(const TokenizerModel &model,
                                                 StringRef file) {
  return Writer(model).write(file);
}
