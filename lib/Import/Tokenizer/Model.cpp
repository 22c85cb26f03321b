//===- Model.cpp - Vocabulary and merges ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include <array>
#include <optional>

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;
using namespace llvm;

/// GPT-2's printable alphabet (openai/gpt-2 src/encoder.py, bytes_to_unicode):
/// the code point that shows a byte. Printable Latin-1 characters show
/// themselves, the other bytes U+0100, U+0101, ... in their order.
static std::array<uint32_t, 256> buildByteAlphabet() {
  std::array<uint32_t, 256> codes;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    bool shown = (byte >= '!' && byte <= '~') ||
                 (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    codes[byte] = shown ? byte : next++;
  }
  return codes;
}

/// The bytes that a text in the printable alphabet shows.
static std::optional<std::string> showBytes(StringRef text) {
  static const std::array<int16_t, 0x144> bytes = [] {
    std::array<int16_t, 0x144> table;
    table.fill(-1);
    std::array<uint32_t, 256> codes = buildByteAlphabet();
    for (int byte = 0; byte < 256; ++byte)
      table[codes[size_t(byte)]] = int16_t(byte);
    return table;
  }();
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    // The alphabet has only characters of one or two bytes.
    uint32_t code = uint8_t(text[i]);
    if (code >= 0x80) {
      if (code >= 0xe0 || i + 1 >= text.size())
        return std::nullopt;
      code = (code & 0x1f) << 6 | (uint8_t(text[++i]) & 0x3f);
    }
    if (code >= bytes.size() || bytes[code] < 0)
      return std::nullopt;
    result.push_back(static_cast<char>(bytes[code]));
  }
  return result;
}

/// "<0x0A>", with hexadecimal digits of either case.
static bool isByteName(StringRef text) {
  return text.size() == 6 && text.starts_with("<0x") && text.back() == '>' &&
         isHexDigit(text[3]) && isHexDigit(text[4]);
}

static Error readVocabulary(const Node &model, TokenizerModel &out) {
  auto vocab = model.getNode("vocab");
  if (!vocab)
    return vocab.takeError();
  uint32_t size = 0;
  for (const auto &[text, value] : *vocab->object) {
    auto id = value.getAsInteger();
    if (!id || *id < 0 || *id >= int64_t(maxVocab))
      return vocab->error("'" + text.str() + "': expected an id below " +
                          Twine(maxVocab) + ", but got " + describe(&value));
    if (text.str().size() > maxTokenBytes)
      return vocab->error("expected tokens of at most " + Twine(maxTokenBytes) +
                          " bytes, but got one of " + Twine(text.str().size()));
    size = std::max(size, uint32_t(*id) + 1);
  }
  if (size == 0)
    return model.error("vocab: expected at least one token, but got none");

  out.tokens.resize(size);
  for (const auto &[text, value] : *vocab->object) {
    uint32_t id = static_cast<uint32_t>(*value.getAsInteger());
    Token &token = out.tokens[id];
    if (token.kind != Unused)
      return vocab->error("expected every id once, but got " + Twine(id) +
                          " again for '" + text.str() + "'");
    token.kind = Normal;
    token.inVocabulary = true;
    token.text = text.str();
    out.ids[text.str()] = id;
    if (out.flags & ByteLevel) {
      // A text outside of the alphabet cannot come out of the words; it can be
      // an added token, which stands for itself.
      std::optional<std::string> bytes = showBytes(token.text);
      token.inVocabulary = bytes.has_value();
      if (bytes)
        token.text = std::move(*bytes);
    } else if ((out.flags & DecodeBytes) && isByteName(token.text)) {
      token.kind = Byte;
    }
  }
  return Error::success();
}

/// Both parts of a merge: "a b" or ["a", "b"].
static std::optional<std::pair<StringRef, StringRef>>
getPair(const json::Value &value) {
  if (const json::Array *array = value.getAsArray()) {
    if (array->size() != 2)
      return std::nullopt;
    auto left = (*array)[0].getAsString(), right = (*array)[1].getAsString();
    if (!left || !right)
      return std::nullopt;
    return std::make_pair(*left, *right);
  }
  auto text = value.getAsString();
  if (!text || text->count(' ') != 1)
    return std::nullopt;
  return text->split(' ');
}

static Error readMerges(const Node &model, TokenizerModel &out) {
  auto merges = model.getArray("merges");
  if (!merges)
    return merges.takeError();
  SmallString<64> whole;
  out.merges.reserve((*merges)->size());
  for (const auto &[rank, value] : enumerate(**merges)) {
    auto error = [&, rank = rank](const Twine &message) {
      std::string place = (model.place + ".merges[" + Twine(rank) + "]").str();
      return Node(model.file, place, *model.object).error(message);
    };
    auto pair = getPair(value);
    if (!pair)
      return error("expected two tokens, but got " + describe(&value));
    whole = pair->first;
    whole += pair->second;
    int32_t ids[3] = {findToken(out, pair->first), findToken(out, pair->second),
                      findToken(out, whole)};
    StringRef texts[3] = {pair->first, pair->second, whole};
    for (int i = 0; i < 3; ++i)
      if (ids[i] < 0)
        return error("expected tokens of the vocabulary, but got '" + texts[i] +
                     "'");
    out.merges.push_back(
        {uint32_t(ids[0]), uint32_t(ids[1]), uint32_t(rank), uint32_t(ids[2])});
  }
  return Error::success();
}

/// Fails if an option that must be absent, empty or zero is set.
static Error checkUnset(const Node &model, StringRef key) {
  const json::Value *value = model.find(key);
  if (!value || value->getAsString() == "" || value->getAsNumber() == 0.0)
    return Error::success();
  return model.error(key, "null");
}

/// One flag that has the same meaning in the file and in the blob.
static Error readFlag(const Node &model, StringRef key, Flag flag,
                      TokenizerModel &out) {
  auto value = model.getBool(key, false);
  if (!value)
    return value.takeError();
  if (*value)
    out.flags |= flag;
  return Error::success();
}

static void fillByteTokens(TokenizerModel &out) {
  std::array<uint32_t, 256> codes = buildByteAlphabet();
  for (uint32_t byte = 0; byte < 256; ++byte) {
    std::string name;
    if (out.flags & ByteLevel) {
      char buffer[4], *end = buffer;
      ConvertCodePointToUTF8(codes[byte], end);
      name.assign(buffer, end);
    } else {
      name = "<0x" + utohexstr(byte, /*LowerCase=*/false, /*Width=*/2) + ">";
    }
    out.byteTokens[byte] = findToken(out, name);
  }
}

Error tokenizer::readModel(const Node &root, TokenizerModel &out) {
  auto model = root.getNode("model");
  if (!model)
    return model.takeError();
  // Old files have no type; the merges tell.
  auto type = model->getString("type", model->find("merges") ? "BPE" : "");
  if (!type)
    return type.takeError();
  if (*type != "BPE")
    return model->error("type", "'BPE'; other models are not supported");
  for (StringRef key :
       {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    if (Error error = checkUnset(*model, key))
      return error;
  std::pair<StringRef, Flag> options[] = {{"fuse_unk", FuseUnknown},
                                          {"byte_fallback", ByteFallback},
                                          {"ignore_merges", IgnoreMerges}};
  for (auto [key, flag] : options)
    if (Error error = readFlag(*model, key, flag, out))
      return error;
  if ((out.flags & ByteLevel) && (out.flags & ByteFallback))
    out.flags &= ~uint32_t(ByteFallback); // every byte is a character there
  if (Error error = readVocabulary(*model, out))
    return error;
  if (Error error = readMerges(*model, out))
    return error;
  fillByteTokens(out);

  auto unknown = model->getString("unk_token");
  if (!unknown)
    return unknown.takeError();
  if (!unknown->empty()) {
    out.unknown = findToken(out, *unknown);
    if (out.unknown < 0)
      return model->error("unk_token", "a token of the vocabulary");
  }
  return Error::success();
}
