//===- Added.cpp - Tokens that are matched as a whole ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TokenizerModel.h"

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;
using namespace llvm;

static Error readAddedToken(const Node &node, TokenizerModel &out) {
  auto text = node.getString("content");
  if (!text)
    return text.takeError();
  auto number = node.getInteger("id", -1);
  if (!number)
    return number.takeError();
  if (*number < 0 || *number >= int64_t(maxVocab))
    return node.error("id", "a token id below " + Twine(maxVocab));
  if (text->empty()) // never matches; the library leaves it out, too
    return Error::success();
  if (text->size() > maxTokenBytes)
    return node.error("content: expected at most " + Twine(maxTokenBytes) +
                      " bytes, but got " + Twine(text->size()));
  uint32_t id = static_cast<uint32_t>(*number);
  int32_t known = findToken(out, *text);
  if (known >= 0 && uint32_t(known) != id)
    return node.error("id", "the id " + Twine(known) + " that '" + *text +
                                "' already has");
  if (known < 0 && id < out.tokens.size() && out.tokens[id].kind != Unused)
    return node.error("id", "an id that no other token has");

  uint32_t flags = 0;
  std::pair<StringRef, uint32_t> options[] = {{"special", AddedSpecial},
                                              {"lstrip", AddedLeftStrip},
                                              {"rstrip", AddedRightStrip},
                                              {"single_word", AddedSingleWord}};
  for (auto [key, flag] : options) {
    auto value = node.getBool(key, false);
    if (!value)
      return value.takeError();
    if (*value)
      flags |= flag;
  }
  bool isSpecial = flags & AddedSpecial;
  auto normalized = node.getBool("normalized", !isSpecial);
  if (!normalized)
    return normalized.takeError();

  if (id >= out.tokens.size())
    out.tokens.resize(id + 1);
  out.ids[*text] = id;
  Token &token = out.tokens[id];
  // A byte token stays one, as the decoder goes by its name.
  if (token.kind != Byte || isSpecial)
    token.kind = isSpecial ? Special : Added;
  if (token.text != *text) {
    token.text = *text;
    token.inVocabulary = false;
  }
  std::string match = *normalized ? normalize(out, *text) : *text;
  if (!match.empty())
    out.added[*normalized ? NormalSet : RawSet].push_back({match, id, flags});
  return Error::success();
}

Error tokenizer::readAddedTokens(const Node &root, TokenizerModel &out) {
  if (!root.find("added_tokens"))
    return Error::success();
  auto list = root.getArray("added_tokens");
  if (!list)
    return list.takeError();
  for (const auto &[index, value] : enumerate(**list)) {
    std::string place = ("added_tokens[" + Twine(index) + "]").str();
    const json::Object *object = value.getAsObject();
    if (!object)
      return root.error(place + ": expected an object, but got " +
                        describe(&value));
    if (Error error = readAddedToken({root.file, place, *object}, out))
      return error;
  }
  return Error::success();
}
