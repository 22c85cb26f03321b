//===- Config.cpp - config.json: architecture, shape, tokens --------------===//
//
// Defaults are those of transformers' configuration classes, because a key
// that has its default value may be absent. Sizes have no default here: a
// checkpoint without hidden_size is damaged, not a 4096.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Config.h"
#include "ConfigParts.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/Json.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace llvm;

namespace bitnetc {

/// Largest dimension accepted: products of two stay far below 2^63.
static constexpr int64_t maxDimension = std::numeric_limits<int32_t>::max();
static constexpr int64_t maxLayers = 65536;

/// Reads a size of 1 to `limit`; `fallback` if it is absent, an error if that
/// is 0.
static Error readSize(const JsonReader &reader, StringRef key, int64_t fallback,
                      int64_t &size, int64_t limit = maxDimension) {
  Expected<std::optional<int64_t>> value = reader.getInteger(key);
  if (!value)
    return value.takeError();
  if (!*value && fallback == 0)
    return reader.error(key, "is missing");
  size = value->value_or(fallback);
  if (size < 1 || size > limit)
    return reader.error(key, "expected a number from 1 to " + Twine(limit) +
                                 ", but got " + Twine(size));
  return Error::success();
}

static Error readShape(const JsonReader &reader, ModelConfig &config) {
  if (Error error = readSize(reader, "hidden_size", 0, config.hidden))
    return error;
  if (Error error =
          readSize(reader, "intermediate_size", 0, config.intermediate))
    return error;
  if (Error error =
          readSize(reader, "num_hidden_layers", 0, config.layers, maxLayers))
    return error;
  if (Error error = readSize(reader, "num_attention_heads", 0, config.heads))
    return error;
  if (Error error =
          readSize(reader, "num_key_value_heads", config.heads, config.kvHeads))
    return error;
  if (Error error = readSize(reader, "vocab_size", 0, config.vocab))
    return error;
  if (Error error =
          readSize(reader, "max_position_embeddings", 2048, config.maxContext))
    return error;
  if (config.heads % config.kvHeads != 0)
    return reader.error("num_key_value_heads",
                        "expected a divisor of num_attention_heads " +
                            Twine(config.heads) + ", but got " +
                            Twine(config.kvHeads));
  if (!reader.find("head_dim") && config.hidden % config.heads != 0)
    return reader.error(
        "head_dim", "is missing, and hidden_size " + Twine(config.hidden) +
                        " is no multiple of " + Twine(config.heads) + " heads");
  if (Error error = readSize(reader, "head_dim",
                             std::max<int64_t>(1, config.hidden / config.heads),
                             config.headDim))
    return error;
  if (config.headDim % 2 != 0)
    return reader.error("head_dim", "expected an even number, because RoPE "
                                    "turns pairs, but got " +
                                        Twine(config.headDim));
  return Error::success();
}

/// Whatever changes the arithmetic and is not implemented.
static Error refuseUnsupported(const JsonReader &reader) {
  for (StringRef key : {"attention_bias", "mlp_bias", "qkv_bias", "use_qk_norm",
                        "rope_interleaved"}) {
    Expected<std::optional<bool>> value = reader.getBool(key);
    if (!value)
      return value.takeError();
    if (value->value_or(false))
      return reader.error(key, "expected false, but got true; this is not "
                               "supported");
  }
  Expected<std::optional<double>> rotary =
      reader.getNumber("partial_rotary_factor");
  if (!rotary)
    return rotary.takeError();
  if (rotary->value_or(1) != 1)
    return reader.error("partial_rotary_factor",
                        "expected 1, but got " +
                            describe(*reader.find("partial_rotary_factor")));
  return Error::success();
}

static Error readActivation(const JsonReader &reader, StringRef fallback,
                            Activation &activation) {
  Expected<std::optional<StringRef>> name = reader.getString("hidden_act");
  if (!name)
    return name.takeError();
  std::optional<Activation> known =
      StringSwitch<std::optional<Activation>>(name->value_or(fallback))
          .Cases({"silu", "swish"}, Activation::SiLU)
          .Case("relu2", Activation::ReLU2)
          .Default(std::nullopt);
  if (!known)
    return reader.error("hidden_act", "expected 'silu' or 'relu2', but got '" +
                                          name->value_or(fallback) + "'");
  activation = *known;
  return Error::success();
}

/// A token id, or nullopt for null.
static Expected<std::optional<int64_t>> readToken(const JsonReader &reader,
                                                  StringRef key,
                                                  const json::Value &value,
                                                  int64_t vocab) {
  if (value.kind() == json::Value::Null)
    return std::nullopt;
  std::optional<int64_t> id = value.getAsInteger();
  if (!id || *id < 0 || *id >= vocab)
    return reader.error(key, "expected a token id below vocab_size " +
                                 Twine(vocab) + ", but got " + describe(value));
  return id;
}

/// Reads bos_token_id and eos_token_id (a number or a list); an absent key
/// leaves what `config` has.
static Error readTokens(const JsonReader &reader, ModelConfig &config) {
  if (const json::Value *value = reader.find("bos_token_id")) {
    Expected<std::optional<int64_t>> id =
        readToken(reader, "bos_token_id", *value, config.vocab);
    if (!id)
      return id.takeError();
    config.bosToken = **id;
  }
  const json::Value *value = reader.find("eos_token_id");
  if (!value)
    return Error::success();
  std::vector<int64_t> tokens;
  auto add = [&](const json::Value &element) -> Error {
    Expected<std::optional<int64_t>> id =
        readToken(reader, "eos_token_id", element, config.vocab);
    if (!id)
      return id.takeError();
    if (*id && llvm::find(tokens, **id) == tokens.end())
      tokens.push_back(**id);
    return Error::success();
  };
  if (const json::Array *list = value->getAsArray()) {
    for (const json::Value &element : *list)
      if (Error error = add(element))
        return error;
  } else if (Error error = add(*value)) {
    return error;
  }
  config.eosTokens = std::move(tokens);
  return Error::success();
}

namespace {
/// What the three architectures differ in.
struct Family {
  StringRef architecture, name, activation, attnSubNorm, ffnSubNorm;
  double ropeTheta, normEps;
};
} // namespace

// Sources: transformers configuration_llama.py and configuration_bitnet.py
// (Microsoft), configuration_bitnet.py and modeling_bitnet.py of 1bitLLM.
static constexpr Family families[] = {
    {"BitNetForCausalLM", "bitnet", "relu2", "self_attn.attn_sub_norm",
     "mlp.ffn_sub_norm", 500000, 1e-5},
    {"BitnetForCausalLM", "1bitllm", "silu", "self_attn.inner_attn_ln",
     "mlp.ffn_layernorm", 10000, 1e-6},
    {"LlamaForCausalLM", "llama", "silu", "", "", 10000, 1e-6},
};

static Expected<const Family *> findFamily(const JsonReader &reader) {
  Expected<const json::Array *> names = reader.getArray("architectures");
  if (!names)
    return names.takeError();
  if (!*names || (*names)->size() != 1 || !(**names)[0].getAsString())
    return reader.error("architectures",
                        "expected a list with one name, but got " +
                            (*names
                                 ? describe(json::Value(json::Array(**names)))
                                 : std::string("nothing")));
  StringRef name = *(**names)[0].getAsString();
  for (const Family &family : families)
    if (family.architecture == name)
      return &family;
  return reader.error("architectures",
                      "expected BitNetForCausalLM, BitnetForCausalLM or "
                      "LlamaForCausalLM, but got '" +
                          name + "'; this architecture is not supported");
}

Expected<ImportConfig> parseConfig(StringRef file, StringRef text) {
  Expected<json::Object> object = parseJsonObject(file, text);
  if (!object)
    return object.takeError();
  JsonReader reader(*object, file.str());
  Expected<const Family *> family = findFamily(reader);
  if (!family)
    return family.takeError();

  ImportConfig config;
  ModelConfig &model = config.model;
  model.family = (*family)->name.str();
  model.subNorms = !(*family)->attnSubNorm.empty();
  config.attnSubNormName = (*family)->attnSubNorm.str();
  config.ffnSubNormName = (*family)->ffnSubNorm.str();
  if (Error error = readShape(reader, model))
    return std::move(error);
  if (Error error = refuseUnsupported(reader))
    return std::move(error);
  if (Error error =
          readActivation(reader, (*family)->activation, model.activation))
    return std::move(error);
  if (Error error = readRope(reader, (*family)->ropeTheta, model))
    return std::move(error);
  Expected<std::optional<double>> eps = reader.getNumber("rms_norm_eps");
  if (!eps)
    return eps.takeError();
  model.normEps = eps->value_or((*family)->normEps);
  if (model.normEps < 0)
    return reader.error("rms_norm_eps",
                        "expected a number >= 0, but got " +
                            describe(*reader.find("rms_norm_eps")));
  Expected<std::optional<bool>> tied = reader.getBool("tie_word_embeddings");
  if (!tied)
    return tied.takeError();
  model.tiedHead = tied->value_or(false);
  if (Error error = readTokens(reader, model))
    return std::move(error);
  if (Error error = readQuantization(reader, config))
    return std::move(error);
  return config;
}

Error parseGenerationConfig(StringRef file, StringRef text,
                            ModelConfig &config) {
  Expected<json::Object> object = parseJsonObject(file, text);
  if (!object)
    return object.takeError();
  return readTokens(JsonReader(*object, file.str()), config);
}

} // namespace bitnetc
