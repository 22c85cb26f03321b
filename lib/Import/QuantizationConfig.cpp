//===- QuantizationConfig.cpp - How ternary weights are stored ------------===//
//
// The rules are those of transformers' BitNetConfig and integrations/bitnet.py:
//   linear_class    quantization_mode  weights        weight_scale
//   bitlinear       (not looked at)    packed U8      divides (1/mean|W|)
//   autobitlinear   offline            packed U8      multiplies (mean|W|)
//   autobitlinear   online             float masters  none
// bitlinear and offline are the defaults. 1bitLLM's models have no
// quantization_config; their own code makes the masters ternary.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"
#include "bitnetc/Support/Json.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace bitnetc {

/// 1bitLLM's own keys: the code behind them knows other widths.
static Error check1bitLLM(const JsonReader &reader) {
  for (auto [key, expected] :
       {std::pair<StringRef, int64_t>("weight_bits", 1), {"input_bits", 8}}) {
    Expected<std::optional<int64_t>> bits = reader.getInteger(key);
    if (!bits)
      return bits.takeError();
    if (bits->value_or(expected) != expected)
      return reader.error(key, "expected " + Twine(expected) + ", but got " +
                                   Twine(**bits));
  }
  if (reader.find("quantization_config"))
    return reader.error("quantization_config",
                        "expected none, because BitnetForCausalLM (1bitLLM) "
                        "stores floating-point masters; is 'architectures' "
                        "meant to be BitNetForCausalLM?");
  return Error::success();
}

/// Whether transformers would leave a projection unconverted because of
/// `entry` in modules_to_not_convert (quantizers_utils.py,
/// should_convert_module, without its regular expressions). Numbers in `entry`
/// count as any layer.
static bool excludesProjection(StringRef entry) {
  std::string pattern;
  for (char c : entry)
    if (!isDigit(c))
      pattern += c;
    else if (pattern.empty() || pattern.back() != '0')
      pattern += '0';
  for (StringRef projection :
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    std::string name = ("model.layers.0." + projection).str();
    if (StringRef(name).contains(pattern + ".") ||
        StringRef(name).ends_with(pattern))
      return true;
  }
  return false;
}

/// A projection that stays in floating point has no ternary weight.
static Error checkExcluded(const JsonReader &reader) {
  static constexpr StringLiteral key = "modules_to_not_convert";
  Expected<const json::Array *> modules = reader.getArray(key);
  if (!modules)
    return modules.takeError();
  if (!*modules)
    return Error::success();
  for (const json::Value &value : **modules) {
    std::optional<StringRef> entry = value.getAsString();
    if (!entry || entry->empty())
      return reader.error(key, "expected names, but got " + describe(value));
    if (excludesProjection(*entry))
      return reader.error(key, "'" + *entry +
                                   "' keeps a projection in floating point; "
                                   "only the embedding, the head and norms "
                                   "may be");
  }
  return Error::success();
}

static Error readLinearNorms(const JsonReader &reader, ModelConfig &model) {
  Expected<std::optional<bool>> norms = reader.getBool("use_rms_norm");
  if (!norms)
    return norms.takeError();
  model.linearNorms = norms->value_or(false);
  Expected<std::optional<double>> eps = reader.getNumber("rms_norm_eps");
  if (!eps)
    return eps.takeError();
  model.linearNormEps = eps->value_or(1e-6);
  if (model.linearNormEps < 0)
    return reader.error("rms_norm_eps", "expected a number >= 0");
  return Error::success();
}

Error readQuantization(const JsonReader &parent, ImportConfig &config) {
  static constexpr StringLiteral key = "quantization_config";
  if (config.model.family == "1bitllm") {
    config.storage = WeightStorage::Masters;
    return check1bitLLM(parent);
  }
  Expected<const json::Object *> object = parent.getObject(key);
  if (!object)
    return object.takeError();
  if (!*object) {
    config.storage = WeightStorage::NotTernary;
    return Error::success();
  }
  JsonReader reader = parent.nested(key, **object);
  Expected<std::optional<StringRef>> method = reader.getString("quant_method");
  if (!method)
    return method.takeError();
  if (method->value_or("") != "bitnet")
    return reader.error("quant_method", "expected 'bitnet', but got '" +
                                            method->value_or("") +
                                            "'; only ternary models can be "
                                            "compiled");
  Expected<std::optional<StringRef>> linear = reader.getString("linear_class");
  if (!linear)
    return linear.takeError();
  StringRef linearClass = linear->value_or("bitlinear");
  if (linearClass != "bitlinear" && linearClass != "autobitlinear")
    return reader.error("linear_class",
                        "expected 'bitlinear' or 'autobitlinear', but got '" +
                            linearClass + "'");
  Expected<std::optional<StringRef>> modeName =
      reader.getString("quantization_mode");
  if (!modeName)
    return modeName.takeError();
  StringRef mode = modeName->value_or("offline");
  if (mode != "offline" && mode != "online")
    return reader.error("quantization_mode",
                        "expected 'offline' or 'online', but got '" + mode +
                            "'");
  if (linearClass == "bitlinear")
    config.storage = WeightStorage::PackedDivide;
  else if (mode == "offline")
    config.storage = WeightStorage::PackedMultiply;
  else
    config.storage = WeightStorage::Masters;
  if (Error error = checkExcluded(reader))
    return error;
  return readLinearNorms(reader, config.model);
}

} // namespace bitnetc
