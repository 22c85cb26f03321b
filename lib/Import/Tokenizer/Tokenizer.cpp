//===- Tokenizer.cpp - tokenizer.json becomes tables ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Tokenizer.h"
#include "TokenizerModel.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <optional>

using namespace bitnetc;
using namespace bitnetc::tokenizer;
using namespace bitnet::tokfmt;
using namespace llvm;

/// Tokens that end a turn in the chat formats of Llama-3, ChatML (Qwen,
/// Falcon-E), Phi-3 and Gemma. Where the configuration gives only the token
/// that ends a document, generation would run on into the next turn.
static constexpr StringRef endOfTurn[] = {"<|eot_id|>", "<|im_end|>", "<|end|>",
                                          "<end_of_turn>"};

/// The token that tokenizer_config.json names as `key`: a text, or an object
/// with it as "content". None if it names none; fails if it is unknown.
static Expected<int32_t> getNamedToken(const Node &config, StringRef key,
                                       const TokenizerModel &model) {
  const json::Value *value = config.find(key);
  if (const json::Object *object = value ? value->getAsObject() : nullptr)
    value = object->get("content");
  if (!value)
    return -1;
  auto text = value->getAsString();
  if (!text)
    return config.error(key, "the text of a token");
  return findToken(model, *text);
}

/// What tokenizer_config.json says about tokens around a text. transformers
/// rebuilds the template of Llama-2's tokenizer classes from these two options;
/// with the other classes they matter where tokenizer.json has no template.
static Error applyBosRules(const Node &config, bool hasTemplate,
                           TokenizerModel &out) {
  auto name = config.getString("tokenizer_class");
  if (!name)
    return name.takeError();
  bool isLlama = *name == "LlamaTokenizer" || *name == "LlamaTokenizerFast";
  auto addBos = config.getBool("add_bos_token", isLlama);
  if (!addBos)
    return addBos.takeError();
  auto addEos = config.getBool("add_eos_token", false);
  if (!addEos)
    return addEos.takeError();
  bool isSet = config.find("add_bos_token") || config.find("add_eos_token");
  if (hasTemplate && !(isLlama && isSet))
    return Error::success();
  std::pair<bool, StringRef> rules[] = {{*addBos, "bos_token"},
                                        {*addEos, "eos_token"}};
  std::vector<int32_t> *lists[] = {&out.prefix, &out.suffix};
  for (size_t i = 0; i < 2; ++i) {
    lists[i]->clear();
    if (!rules[i].first)
      continue;
    auto id = getNamedToken(config, rules[i].second, out);
    if (!id)
      return id.takeError();
    if (*id < 0)
      return config.error(rules[i].second, "a token of tokenizer.json");
    lists[i]->push_back(*id);
  }
  return Error::success();
}

/// bos and eos, from the model's configuration and tokenizer_config.json.
static Error setEnds(const Node *config, ArrayRef<int64_t> eosTokens,
                     int64_t bosToken, TokenizerModel &out) {
  // The model may know ids for which the tokenizer has no text.
  for (int64_t id : eosTokens)
    if (id >= 0 && id <= int64_t(maxVocab))
      out.eos.push_back(static_cast<int32_t>(id));
  if (out.eos.empty() && config) {
    auto id = getNamedToken(*config, "eos_token", out);
    if (!id)
      return id.takeError();
    if (*id >= 0)
      out.eos.push_back(*id);
  }
  for (StringRef text : endOfTurn) {
    int32_t id = findToken(out, text);
    if (id >= 0 && out.tokens[size_t(id)].kind == Special &&
        !is_contained(out.eos, id))
      out.eos.push_back(id);
  }
  if (bosToken >= 0 && bosToken < int64_t(out.tokens.size()))
    out.bos = static_cast<int32_t>(bosToken);
  else if (!out.prefix.empty())
    out.bos = out.prefix.front();
  return Error::success();
}

Expected<std::vector<char>>
bitnetc::importTokenizer(StringRef tokenizerJsonPath,
                         ArrayRef<int64_t> eosTokens, int64_t bosToken,
                         int64_t modelVocab) {
  auto value = readJson(tokenizerJsonPath);
  if (!value)
    return value.takeError();
  Node root(tokenizerJsonPath, "", *value->getAsObject());
  TokenizerModel model;
  if (Error error = readPipeline(root, model))
    return std::move(error);
  if (Error error = readModel(root, model))
    return std::move(error);
  if (Error error = readAddedTokens(root, model))
    return std::move(error);
  if (modelVocab > 0 && int64_t(model.tokens.size()) > modelVocab)
    return makeFileError(tokenizerJsonPath,
                         "token ids: expected ids below the model's vocabulary "
                         "of " +
                             Twine(modelVocab) + ", but got " +
                             Twine(model.tokens.size() - 1) +
                             "; take the tokenizer that belongs to the model");
  auto hasTemplate = readPostProcessor(root, model);
  if (!hasTemplate)
    return hasTemplate.takeError();

  SmallString<256> configPath(sys::path::parent_path(tokenizerJsonPath));
  sys::path::append(configPath, "tokenizer_config.json");
  std::optional<json::Value> configValue;
  std::optional<Node> config;
  if (sys::fs::exists(configPath)) {
    auto read = readJson(configPath);
    if (!read)
      return read.takeError();
    configValue = std::move(*read);
    config.emplace(configPath, "", *configValue->getAsObject());
    if (Error error = applyBosRules(*config, *hasTemplate, model))
      return std::move(error);
  }
  if (Error error =
          setEnds(config ? &*config : nullptr, eosTokens, bosToken, model))
    return std::move(error);
  return writeBlob(model, tokenizerJsonPath);
}
