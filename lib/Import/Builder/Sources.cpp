//===- Sources.cpp - Weights of a model by name ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Import/BuildModule.h"
#include "llvm/ADT/StringSwitch.h"

using namespace bitnetc;
using llvm::StringRef;

/// Splits "layers.I.REST"; null if `source` has another form.
static const LayerWeights *findLayer(const Model &model, StringRef source,
                                     StringRef &rest) {
  unsigned layer;
  if (!source.consume_front("layers.") || source.consumeInteger(10, layer) ||
      !source.consume_front(".") || layer >= model.layers.size())
    return nullptr;
  rest = source;
  return &model.layers[layer];
}

const TernaryWeight *bitnetc::findTernaryWeight(const Model &model,
                                                StringRef source) {
  StringRef name;
  const LayerWeights *layer = findLayer(model, source, name);
  if (!layer)
    return nullptr;
  return llvm::StringSwitch<const TernaryWeight *>(name)
      .Case("q", layer->q.get())
      .Case("k", layer->k.get())
      .Case("v", layer->v.get())
      .Case("o", layer->o.get())
      .Case("gate", layer->gate.get())
      .Case("up", layer->up.get())
      .Case("down", layer->down.get())
      .Default(nullptr);
}

const DenseWeight *bitnetc::findDenseWeight(const Model &model,
                                            StringRef source) {
  if (source == "embedding")
    return &model.embedding;
  if (source == "head")
    return &model.head;
  if (source == "final_norm")
    return &model.finalNorm;
  StringRef name;
  const LayerWeights *layer = findLayer(model, source, name);
  if (!layer)
    return nullptr;
  auto optional = [](const std::optional<DenseWeight> &weight) {
    return weight ? &*weight : nullptr;
  };
  if (name == "input_norm")
    return optional(layer->inputNorm);
  if (name == "post_attention_norm")
    return optional(layer->postAttentionNorm);
  if (name == "attn_sub_norm")
    return optional(layer->attnSubNorm);
  if (name == "ffn_sub_norm")
    return optional(layer->ffnSubNorm);
  if (name.consume_back(".norm")) {
    auto norm = layer->linearNorms.find(name.str());
    return norm == layer->linearNorms.end() ? nullptr : &norm->second;
  }
  return nullptr;
}
