//===- BuildModule.cpp - A model as a bitnet module -----------------------===//
//
// One transformer for all families: sub-norms, norms inside BitLinear, the
// activation and the rotary scaling are what the configuration says.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Import/BuildModule.h"
#include "dialects/BitNet/BitNet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

using namespace mlir;
using namespace bitnetc;

namespace {

/// Rotary frequencies as transformers computes them, in f32
/// (modeling_rope_utils.py: `_compute_default_rope_parameters`,
/// `_compute_linear_scaling_...`, `_compute_llama3_parameters`).
std::vector<float> getFrequencies(const ModelConfig &config) {
  std::vector<float> frequencies;
  const RopeScaling &scaling = config.ropeScaling;
  for (int64_t i = 0; i < config.headDim; i += 2) {
    float exponent = static_cast<float>(i) / static_cast<float>(config.headDim);
    float f = 1.0f / std::pow(static_cast<float>(config.ropeTheta), exponent);
    if (scaling.kind == RopeScaling::Linear)
      f = static_cast<float>(f / scaling.factor);
    if (scaling.kind == RopeScaling::Llama3) {
      double wavelength = 2 * M_PI / f;
      double longest = scaling.originalContext / scaling.lowFreqFactor;
      double shortest = scaling.originalContext / scaling.highFreqFactor;
      if (wavelength > longest) {
        f = static_cast<float>(f / scaling.factor);
      } else if (wavelength >= shortest) {
        double smooth =
            (scaling.originalContext / wavelength - scaling.lowFreqFactor) /
            (scaling.highFreqFactor - scaling.lowFreqFactor);
        f = static_cast<float>((1 - smooth) * f / scaling.factor + smooth * f);
      }
    }
    frequencies.push_back(f);
  }
  return frequencies;
}

/// Builds @forward of one model.
class ModuleBuilder {
public:
  ModuleBuilder(const Model &model, MLIRContext &context,
                CacheElement cacheElement)
      : model(model), config(model.config), builder(&context),
        loc(UnknownLoc::get(&context)), cacheElement(cacheElement) {}

  OwningOpRef<ModuleOp> build() {
    module = ModuleOp::create(loc);
    setInfo();
    Type f32 = builder.getF32Type();
    auto cacheType = bitnet::KVCacheType::get(
        builder.getContext(), config.layers, config.kvHeads, config.headDim,
        getCacheElement(), /*sequences=*/1);
    builder.setInsertionPointToEnd(module->getBody());
    auto forward = func::FuncOp::create(
        builder, loc, "forward",
        builder.getFunctionType({RankedTensorType::get({ShapedType::kDynamic},
                                                       builder.getI32Type()),
                                 builder.getIndexType(), builder.getIndexType(),
                                 cacheType},
                                {activation(config.vocab)}));
    Block *body = forward.addEntryBlock();
    builder.setInsertionPointToStart(body);
    Value tokens = body->getArgument(0);
    position = body->getArgument(1);
    Value rows = body->getArgument(2);
    cache = body->getArgument(3);

    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    tokenCount = tensor::DimOp::create(builder, loc, tokens, zero);
    Value hidden =
        bitnet::EmbeddingOp::create(
            builder, loc, TypeRange{activation(config.hidden)}, tokens,
            dense("embedding", model.embedding), ValueRange())
            .getResult(0);
    std::vector<float> frequencies = getFrequencies(config);
    auto frequencyType =
        RankedTensorType::get({static_cast<int64_t>(frequencies.size())}, f32);
    Value frequencyRef = literal(
        "rope_frequencies",
        DenseElementsAttr::get(frequencyType, ArrayRef<float>(frequencies)));
    angles = bitnet::RopeAnglesOp::create(builder, loc,
                                          TypeRange{activation(config.headDim)},
                                          position, frequencyRef, ValueRange())
                 .getResult(0);
    for (int64_t layer = 0; layer < config.layers; ++layer)
      hidden = buildLayer(layer, hidden);

    // Only the rows whose logits are wanted go through the head.
    Value first = arith::SubIOp::create(builder, loc, tokenCount, rows);
    OpFoldResult one = builder.getIndexAttr(1);
    Value wanted = tensor::ExtractSliceOp::create(
        builder, loc, activation(config.hidden), hidden,
        ArrayRef<OpFoldResult>{first, builder.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{rows, builder.getIndexAttr(config.hidden)},
        ArrayRef<OpFoldResult>{one, one});
    Value normed = norm("final_norm", model.finalNorm, wanted, config.normEps);
    Value logits =
        bitnet::LMHeadOp::create(
            builder, loc, TypeRange{activation(config.vocab)}, normed,
            config.tiedHead ? dense("embedding", model.embedding)
                            : dense("head", model.head),
            ValueRange())
            .getResult(0);
    func::ReturnOp::create(builder, loc, logits);
    return std::move(module);
  }

private:
  RankedTensorType activation(int64_t columns) {
    return RankedTensorType::get({ShapedType::kDynamic, columns},
                                 builder.getF32Type());
  }

  void setInfo() {
    module.get()->setAttr("bitnet.name", builder.getStringAttr(config.name));
    auto set = [&](StringRef name, int64_t value) {
      module.get()->setAttr(name, builder.getI64IntegerAttr(value));
    };
    set("bitnet.hidden_size", config.hidden);
    set("bitnet.max_context", config.maxContext);
  }

  /// A reference to the weight `name`, which is created when first asked for.
  Value reference(const Twine &name, Type type, ArrayRef<std::string> sources,
                  ElementsAttr value = nullptr) {
    std::string symbol = name.str();
    if (created.insert(symbol).second) {
      OpBuilder::InsertionGuard guard(builder);
      auto forward = *module->getOps<func::FuncOp>().begin();
      builder.setInsertionPoint(forward);
      SmallVector<StringRef> names(sources.begin(), sources.end());
      bitnet::WeightOp::create(
          builder, loc, builder.getStringAttr(symbol), TypeAttr::get(type),
          value ? ArrayAttr() : builder.getStrArrayAttr(names), value,
          IntegerAttr());
    }
    return bitnet::WeightRefOp::create(
        builder, loc, type,
        FlatSymbolRefAttr::get(builder.getContext(), symbol));
  }

  Value literal(const Twine &name, DenseElementsAttr value) {
    return reference(name, value.getType(), {}, value);
  }

  /// Embedding and head keep the type they have in the file; norms are f32.
  Value dense(const Twine &name, const DenseWeight &weight) {
    Type element = builder.getF32Type();
    if (weight.shape.size() == 2 && weight.dtype == DType::BF16)
      element = builder.getBF16Type();
    if (weight.shape.size() == 2 && weight.dtype == DType::F16)
      element = builder.getF16Type();
    return reference(name, RankedTensorType::get(weight.shape, element),
                     {name.str()});
  }

  Value norm(const Twine &name, const DenseWeight &gain, Value x, double eps) {
    return bitnet::RMSNormOp::create(builder, loc, TypeRange{x.getType()}, x,
                                     dense(name, gain), ValueRange(),
                                     builder.getF32FloatAttr(eps))
        .getResult(0);
  }

  Value linear(int64_t layer, StringRef projection, const TernaryWeight &weight,
               Value x) {
    std::string name = ("layers." + Twine(layer) + "." + projection).str();
    const auto &norms = model.layers[layer].linearNorms;
    auto linearNorm = norms.find(projection.str());
    if (linearNorm != norms.end())
      x = norm(name + ".norm", linearNorm->second, x, config.linearNormEps);
    Value matrix = reference(name,
                             RankedTensorType::get({weight.rows, weight.cols},
                                                   builder.getIntegerType(2)),
                             {name});
    int64_t scales = ternary::getSharedScales(weight.rows);
    Value scale = reference(name + ".scale",
                            RankedTensorType::get(scales, builder.getF32Type()),
                            {name + ".scale"});
    return bitnet::BitLinearOp::create(builder, loc,
                                       TypeRange{activation(weight.rows)}, x,
                                       matrix, scale, ValueRange())
        .getResult(0);
  }

  Value rope(Value x) {
    return bitnet::RopeOp::create(builder, loc, TypeRange{x.getType()}, x,
                                  angles, ValueRange())
        .getResult(0);
  }

  Value add(Value a, Value b) {
    return bitnet::AddOp::create(builder, loc, TypeRange{a.getType()}, a, b,
                                 ValueRange())
        .getResult(0);
  }

  Type getCacheElement() {
    switch (cacheElement) {
    case CacheElement::F32:
      return builder.getF32Type();
    case CacheElement::F16:
      return builder.getF16Type();
    case CacheElement::Int8:
      return builder.getI8Type();
    }
    llvm_unreachable("covered switch");
  }

  Value buildLayer(int64_t index, Value hidden) {
    const LayerWeights &layer = model.layers[index];
    std::string prefix = ("layers." + Twine(index) + ".").str();
    double eps = config.normEps;

    Value x = norm(prefix + "input_norm", *layer.inputNorm, hidden, eps);
    Value q = rope(linear(index, "q", *layer.q, x));
    Value k = rope(linear(index, "k", *layer.k, x));
    Value v = linear(index, "v", *layer.v, x);
    auto cacheType = cast<bitnet::KVCacheType>(cache.getType());
    Value layerCache =
        bitnet::KVLayerOp::create(builder, loc, cacheType.withLayers(1), cache,
                                  builder.getI64IntegerAttr(index));
    bitnet::KVStoreOp::create(builder, loc, k, v, layerCache, position);
    Value attended =
        bitnet::AttentionOp::create(
            builder, loc, TypeRange{activation(config.heads * config.headDim)},
            q, layerCache, position, ValueRange(),
            builder.getI64IntegerAttr(config.heads))
            .getResult(0);
    if (layer.attnSubNorm)
      attended =
          norm(prefix + "attn_sub_norm", *layer.attnSubNorm, attended, eps);
    hidden = add(hidden, linear(index, "o", *layer.o, attended));

    x = norm(prefix + "post_attention_norm", *layer.postAttentionNorm, hidden,
             eps);
    Value gate = linear(index, "gate", *layer.gate, x);
    Value up = linear(index, "up", *layer.up, x);
    Value gated =
        bitnet::GatedActOp::create(builder, loc, TypeRange{gate.getType()},
                                   gate, up, ValueRange(), getActivation())
            .getResult(0);
    if (layer.ffnSubNorm)
      gated = norm(prefix + "ffn_sub_norm", *layer.ffnSubNorm, gated, eps);
    return add(hidden, linear(index, "down", *layer.down, gated));
  }

  bitnet::ActivationKind getActivation() const {
    switch (config.activation) {
    case Activation::SiLU:
      return bitnet::ActivationKind::silu;
    case Activation::ReLU2:
      return bitnet::ActivationKind::relu2;
    }
    llvm_unreachable("covered switch");
  }

  const Model &model;
  const ModelConfig &config;
  OpBuilder builder;
  Location loc;
  CacheElement cacheElement;
  OwningOpRef<ModuleOp> module;
  llvm::StringSet<> created;
  Value position, cache, tokenCount, angles;
};

} // namespace

OwningOpRef<ModuleOp> bitnetc::buildModule(const Model &model,
                                           MLIRContext &context,
                                           CacheElement cacheElement) {
  context.loadDialect<bitnet::BitNetDialect, ternary::TernaryDialect,
                      arith::ArithDialect, func::FuncDialect,
                      tensor::TensorDialect>();
  return ModuleBuilder(model, context, cacheElement).build();
}
