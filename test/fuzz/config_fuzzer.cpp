//===- config_fuzzer.cpp - Any bytes as the JSON files of a checkpoint ----===//
//
// The first byte chooses the file: config.json, generation_config.json or the
// shard index. What config.json accepts must be a shape that can be worked
// with.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Config.h"
#include "bitnetc/Import/Safetensors.h"
#include <cmath>

using namespace bitnetc;
using namespace llvm;

/// Every refusal has a text.
static void checkError(Error error) {
  if (toString(std::move(error)).empty())
    __builtin_trap();
}

static void checkConfig(StringRef text) {
  Expected<ImportConfig> config = parseConfig("fuzz", text);
  if (!config)
    return checkError(config.takeError());
  const ModelConfig &m = config->model;
  bool good = m.hidden > 0 && m.intermediate > 0 && m.layers > 0 &&
              m.heads > 0 && m.kvHeads > 0 && m.heads % m.kvHeads == 0 &&
              m.headDim > 0 && m.headDim % 2 == 0 && m.vocab > 0 &&
              m.maxContext > 0 && m.ropeTheta > 0 &&
              std::isfinite(m.ropeTheta) && m.normEps >= 0 &&
              std::isfinite(m.ropeScaling.factor) && m.ropeScaling.factor > 0 &&
              m.bosToken < m.vocab;
  for (int64_t token : m.eosTokens)
    good &= token >= 0 && token < m.vocab;
  if (!good)
    __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  StringRef text(reinterpret_cast<const char *>(data) + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    checkConfig(text);
    break;
  case 1: {
    ModelConfig config;
    config.vocab = 1000;
    checkError(joinErrors(parseGenerationConfig("fuzz", text, config),
                          createStringError("always")));
    break;
  }
  case 2: {
    Expected<StringMap<std::string>> map = parseShardIndex("fuzz", text);
    if (!map) {
      checkError(map.takeError());
      break;
    }
    for (const auto &entry : *map)
      if (StringRef(entry.second).contains('/'))
        __builtin_trap();
    break;
  }
  }
  return 0;
}
