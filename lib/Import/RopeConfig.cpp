//===- RopeConfig.cpp - rope_theta, rope_scaling, rope_parameters ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"
#include "bitnetc/Support/Json.h"

using namespace llvm;

namespace bitnetc {

/// Reads a number > 0; `fallback` if it is absent, an error if that is 0.
static Error readPositive(const JsonReader &reader, StringRef key,
                          double fallback, double &result) {
  Expected<std::optional<double>> value = reader.getNumber(key);
  if (!value)
    return value.takeError();
  if (!*value && fallback == 0)
    return reader.error(key, "is missing");
  result = value->value_or(fallback);
  if (!(result > 0))
    return reader.error(key, "expected a number above 0, but got " +
                                 describe(*reader.find(key)));
  return Error::success();
}

static Error readScaling(const JsonReader &reader, RopeScaling &scaling) {
  // Older files say "type".
  StringRef key = reader.find("rope_type") ? "rope_type" : "type";
  Expected<std::optional<StringRef>> type = reader.getString(key);
  if (!type)
    return type.takeError();
  StringRef name = type->value_or("default");
  if (name == "default")
    return Error::success();
  if (name != "linear" && name != "llama3")
    return reader.error(key, "expected 'default', 'linear' or 'llama3', but "
                             "got '" +
                                 name + "'; this RoPE type is not supported");
  if (Error error = readPositive(reader, "factor", 0, scaling.factor))
    return error;
  if (name == "linear") {
    scaling.kind = RopeScaling::Linear;
    return Error::success();
  }
  scaling.kind = RopeScaling::Llama3;
  if (Error error =
          readPositive(reader, "low_freq_factor", 0, scaling.lowFreqFactor))
    return error;
  if (Error error =
          readPositive(reader, "high_freq_factor", 0, scaling.highFreqFactor))
    return error;
  // Llama-3's rule divides by their difference.
  if (scaling.highFreqFactor <= scaling.lowFreqFactor)
    return reader.error("high_freq_factor",
                        "expected more than low_freq_factor, but got " +
                            describe(*reader.find("high_freq_factor")));
  double context = 0;
  if (Error error =
          readPositive(reader, "original_max_position_embeddings", 0, context))
    return error;
  Expected<std::optional<int64_t>> whole =
      reader.getInteger("original_max_position_embeddings");
  if (!whole)
    return whole.takeError();
  scaling.originalContext = **whole;
  return Error::success();
}

Error readRope(const JsonReader &reader, double defaultTheta,
               ModelConfig &config) {
  if (Error error =
          readPositive(reader, "rope_theta", defaultTheta, config.ropeTheta))
    return error;
  for (StringRef key : {"rope_scaling", "rope_parameters"}) {
    Expected<const json::Object *> object = reader.getObject(key);
    if (!object)
      return object.takeError();
    if (!*object)
      continue;
    JsonReader nested = reader.nested(key, **object);
    if (Error error = readPositive(nested, "rope_theta", config.ropeTheta,
                                   config.ropeTheta))
      return error;
    if (Error error = readScaling(nested, config.ropeScaling))
      return error;
  }
  return Error::success();
}

} // namespace bitnetc
