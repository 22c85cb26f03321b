//===- HuggingFace.cpp - Opens a checkpoint directory as a Model ----------===//
//
// Every tensor that the configuration implies is looked up, its type and shape
// are checked, and every tensor of the files must have been asked for: a
// leftover means that the model is another one than we think.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "TernaryWeights.h"
#include "bitnetc/Import/Config.h"
#include "bitnetc/Import/Safetensors.h"
#include "bitnetc/Support/Error.h"
#include "bitnetc/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace llvm;

namespace bitnetc {

namespace {

class HuggingFaceModel final : public Model {
public:
  Checkpoint checkpoint; // keeps the files mapped
};

/// Fills a HuggingFaceModel from its checkpoint.
class Builder {
public:
  Builder(HuggingFaceModel &model, ImportConfig config)
      : model(model), checkpoint(model.checkpoint), config(std::move(config)) {}

  Error build();

private:
  Error buildLayer(int64_t index);
  Error buildHead();
  Error readProjection(LayerWeights &layer, const Twine &module,
                       StringRef shortName, int64_t rows, int64_t cols,
                       std::unique_ptr<TernaryWeight> &weight);
  Error readNorm(const Twine &module, int64_t size,
                 std::optional<DenseWeight> &norm);
  /// A float tensor of this shape.
  Error readFloats(const Twine &name, ArrayRef<int64_t> shape,
                   DenseWeight &weight);
  /// The number in `name`, checked and made to multiply.
  Error readScale(const Twine &name, float &scale);
  Expected<const StoredTensor *> require(const Twine &name);
  Error refuseOrdinary();
  Error checkLeftovers();

  HuggingFaceModel &model;
  const Checkpoint &checkpoint;
  const ImportConfig config;
  StringSet<> used;
};

} // namespace

static Error tensorError(const StoredTensor &tensor, const Twine &message) {
  return makeFileError(tensor.file, "tensor '" + tensor.name + "': " + message);
}

static Error wrongTensor(const StoredTensor &tensor, const Twine &dtype,
                         ArrayRef<int64_t> shape) {
  std::string sizes;
  ListSeparator separator;
  for (int64_t size : shape)
    (sizes += StringRef(separator).str()) += std::to_string(size);
  return tensorError(tensor, "expected " + dtype + " [" + sizes +
                                 "], but got " + tensor.describe());
}

static std::string formatNumber(float value) {
  std::string text;
  raw_string_ostream(text) << format("%g", value);
  return text;
}

static bool isFloat(const StoredTensor &tensor) {
  std::optional<DType> dtype = getDType(tensor.dtype);
  return dtype && *dtype != DType::U8;
}

Expected<const StoredTensor *> Builder::require(const Twine &nameTwine) {
  std::string name = nameTwine.str();
  const StoredTensor *tensor = checkpoint.find(name);
  if (!tensor)
    return makeFileError(checkpoint.getPath(),
                         "tensor '" + name + "' is missing");
  used.insert(name);
  return tensor;
}

Error Builder::readFloats(const Twine &name, ArrayRef<int64_t> shape,
                          DenseWeight &weight) {
  Expected<const StoredTensor *> tensor = require(name);
  if (!tensor)
    return tensor.takeError();
  if (!isFloat(**tensor) || ArrayRef((*tensor)->shape) != shape)
    return wrongTensor(**tensor, "F32, F16 or BF16", shape);
  weight = {(*tensor)->name,  *getDType((*tensor)->dtype),
            (*tensor)->shape, (*tensor)->data,
            (*tensor)->bytes, (*tensor)->file};
  return Error::success();
}

Error Builder::readNorm(const Twine &module, int64_t size,
                        std::optional<DenseWeight> &norm) {
  norm.emplace();
  if (Error error = readFloats(module + ".weight", {size}, *norm))
    return error;
  std::vector<float> gains(size);
  readDense(*norm, 0, size, gains.data());
  for (int64_t i = 0; i < size; ++i)
    if (!std::isfinite(gains[i]))
      return tensorError(*checkpoint.find(norm->name),
                         "expected finite numbers, but got NaN or infinity at "
                         "index " +
                             Twine(i));
  return Error::success();
}

Error Builder::readScale(const Twine &name, float &scale) {
  Expected<const StoredTensor *> found = require(name);
  if (!found)
    return found.takeError();
  const StoredTensor &tensor = **found;
  // Some writers store a scalar without dimensions.
  if (!isFloat(tensor) || tensor.bytes != getDTypeSize(*getDType(tensor.dtype)))
    return wrongTensor(tensor, "F32, F16 or BF16", {1});
  readDense({tensor.name,
             *getDType(tensor.dtype),
             {1},
             tensor.data,
             tensor.bytes,
             tensor.file},
            0, 1, &scale);
  if (!std::isfinite(scale) || !(scale > 0))
    return tensorError(tensor, "expected a finite number above 0, but got " +
                                   formatNumber(scale));
  if (config.storage != WeightStorage::PackedDivide)
    return Error::success();
  if (!std::isfinite(1.0f / scale))
    return tensorError(tensor, "expected a number that can be divided by, but "
                               "got " +
                                   formatNumber(scale));
  scale = 1.0f / scale;
  return Error::success();
}

Error Builder::readProjection(LayerWeights &layer, const Twine &moduleTwine,
                              StringRef shortName, int64_t rows, int64_t cols,
                              std::unique_ptr<TernaryWeight> &weight) {
  std::string module = moduleTwine.str();
  Expected<const StoredTensor *> found = require(module + ".weight");
  if (!found)
    return found.takeError();
  const StoredTensor &tensor = **found;
  if (config.storage == WeightStorage::Masters) {
    if (tensor.dtype == "U8")
      return tensorError(tensor,
                         "expected floating-point masters, but got packed " +
                             tensor.describe() +
                             "; config.json says that weights are quantised "
                             "online");
    if (!isFloat(tensor) || ArrayRef(tensor.shape) != ArrayRef({rows, cols}))
      return wrongTensor(tensor, "F32, F16 or BF16", {rows, cols});
    weight = makeMasterWeight(tensor);
  } else {
    int64_t packedRows = divideCeil(rows, 4);
    if (isFloat(tensor))
      return tensorError(
          tensor, "expected packed U8 [" + Twine(packedRows) + ", " +
                      Twine(cols) + "], but got " + tensor.describe() +
                      "; if these are masters, quantization_config in "
                      "config.json needs \"linear_class\": \"autobitlinear\", "
                      "\"quantization_mode\": \"online\"");
    if (tensor.dtype != "U8" ||
        ArrayRef(tensor.shape) != ArrayRef({packedRows, cols}))
      return wrongTensor(tensor, "U8", {packedRows, cols});
    float scale = 0;
    if (Error error = readScale(module + ".weight_scale", scale))
      return error;
    weight = makePackedWeight(tensor, rows, scale);
  }
  if (!config.model.linearNorms)
    return Error::success();
  std::optional<DenseWeight> norm;
  if (Error error = readNorm(module + ".rms_norm", cols, norm))
    return error;
  layer.linearNorms.emplace(shortName.str(), std::move(*norm));
  return Error::success();
}

Error Builder::buildLayer(int64_t index) {
  const ModelConfig &c = config.model;
  model.layers.emplace_back();
  LayerWeights &layer = model.layers.back();
  std::string prefix = ("model.layers." + Twine(index) + ".").str();
  if (Error error =
          readNorm(prefix + "input_layernorm", c.hidden, layer.inputNorm))
    return error;
  if (Error error = readNorm(prefix + "post_attention_layernorm", c.hidden,
                             layer.postAttentionNorm))
    return error;
  int64_t qSize = c.heads * c.headDim, kvSize = c.kvHeads * c.headDim;
  if (c.subNorms) {
    // 1bitLLM and transformers give it hidden_size elements; it norms the
    // concatenated heads, so only one size can work.
    if (Error error =
            readNorm(prefix + config.attnSubNormName, qSize, layer.attnSubNorm))
      return error;
    if (Error error = readNorm(prefix + config.ffnSubNormName, c.intermediate,
                               layer.ffnSubNorm))
      return error;
  }
  struct {
    const char *module, *shortName;
    int64_t rows, cols;
    std::unique_ptr<TernaryWeight> &weight;
  } projections[] = {
      {"self_attn.q_proj", "q", qSize, c.hidden, layer.q},
      {"self_attn.k_proj", "k", kvSize, c.hidden, layer.k},
      {"self_attn.v_proj", "v", kvSize, c.hidden, layer.v},
      {"self_attn.o_proj", "o", c.hidden, qSize, layer.o},
      {"mlp.gate_proj", "gate", c.intermediate, c.hidden, layer.gate},
      {"mlp.up_proj", "up", c.intermediate, c.hidden, layer.up},
      {"mlp.down_proj", "down", c.hidden, c.intermediate, layer.down},
  };
  for (auto &p : projections)
    if (Error error = readProjection(layer, prefix + p.module, p.shortName,
                                     p.rows, p.cols, p.weight))
      return error;
  return Error::success();
}

Error Builder::buildHead() {
  const ModelConfig &c = config.model;
  static constexpr StringLiteral headName = "lm_head.weight";
  if (!c.tiedHead)
    return readFloats(headName, {c.vocab, c.hidden}, model.head);
  model.head = model.embedding;
  // save_pretrained leaves a tied head out; other writers store it twice.
  const StoredTensor *stored = checkpoint.find(headName);
  if (!stored)
    return Error::success();
  if (Error error = readFloats(headName, {c.vocab, c.hidden}, model.head))
    return error;
  if (model.head.dtype != model.embedding.dtype ||
      std::memcmp(model.head.data, model.embedding.data,
                  model.embedding.bytes) != 0)
    return tensorError(*stored, "differs from the embedding, though "
                                "tie_word_embeddings is true; remove the "
                                "tensor, or set tie_word_embeddings to false");
  releasePages(model.head.data, model.head.bytes);
  releasePages(model.embedding.data, model.embedding.bytes);
  model.head = model.embedding;
  return Error::success();
}

/// A config without quantization_config is that of an ordinary model; only the
/// text of the refusal depends on what the weights look like.
Error Builder::refuseOrdinary() {
  const StoredTensor *sample =
      checkpoint.find("model.layers.0.self_attn.q_proj.weight");
  if (sample && sample->dtype == "U8")
    return tensorError(*sample, "has packed weights, but config.json has no "
                                "quantization_config; restore it from the "
                                "original checkpoint");
  if (sample && looksUnpackedTernary(*sample))
    return tensorError(*sample,
                       "holds ternary values with a scale per row (as TriLM "
                       "'Unpacked'), which are multiplied by unquantised "
                       "activations; this is not supported, only BitNet b1.58 "
                       "is");
  return makeFileError(checkpoint.getPath(),
                       "the weights are not ternary: config.json has no "
                       "quantization_config, so this is an ordinary "
                       "floating-point model; only BitNet b1.58 models can be "
                       "compiled");
}

Error Builder::checkLeftovers() {
  for (const StoredTensor &tensor : checkpoint.getTensors()) {
    if (used.contains(tensor.name))
      continue;
    // Frequencies of old transformers versions: recomputed from rope_theta.
    if (StringRef(tensor.name).contains(".rotary_emb."))
      continue;
    return tensorError(tensor, "is not part of the model that config.json "
                               "describes");
  }
  return Error::success();
}

Error Builder::build() {
  const ModelConfig &c = config.model;
  if (config.storage == WeightStorage::NotTernary)
    return refuseOrdinary();
  if (Error error = readFloats("model.embed_tokens.weight", {c.vocab, c.hidden},
                               model.embedding))
    return error;
  for (int64_t i = 0; i < c.layers; ++i)
    if (Error error = buildLayer(i))
      return error;
  std::optional<DenseWeight> norm;
  if (Error error = readNorm("model.norm", c.hidden, norm))
    return error;
  model.finalNorm = std::move(*norm);
  if (Error error = buildHead())
    return error;
  return checkLeftovers();
}

static Expected<std::unique_ptr<MemoryBuffer>> readText(const Twine &path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeFileError(path,
                         "cannot be read: " + buffer.getError().message());
  return std::move(*buffer);
}

/// The last component, also of "models/2B/" and ".".
static std::string getModelName(StringRef path) {
  SmallString<256> real;
  if (sys::fs::real_path(path, real))
    real = path;
  return sys::path::filename(real).str();
}

Expected<std::unique_ptr<Model>> openModel(StringRef path) {
  if (!sys::fs::exists(path))
    return makeFileError(path, "no such directory");
  if (!sys::fs::is_directory(path))
    return makeFileError(path, "expected the directory of a Hugging Face "
                               "checkpoint, but got a file");
  SmallString<256> configPath(path), generationPath(path), tokenizerPath(path);
  sys::path::append(configPath, "config.json");
  sys::path::append(generationPath, "generation_config.json");
  sys::path::append(tokenizerPath, "tokenizer.json");
  if (!sys::fs::exists(configPath))
    return makeFileError(path, "expected a Hugging Face checkpoint, but "
                               "'config.json' is missing");
  Expected<std::unique_ptr<MemoryBuffer>> text = readText(configPath);
  if (!text)
    return text.takeError();
  Expected<ImportConfig> config = parseConfig(configPath, (*text)->getBuffer());
  if (!config)
    return config.takeError();
  if (sys::fs::exists(generationPath)) {
    text = readText(generationPath);
    if (!text)
      return text.takeError();
    if (Error error = parseGenerationConfig(
            generationPath, (*text)->getBuffer(), config->model))
      return std::move(error);
  }

  Expected<Checkpoint> checkpoint = Checkpoint::open(path);
  if (!checkpoint)
    return checkpoint.takeError();
  auto model = std::make_unique<HuggingFaceModel>();
  config->model.name = getModelName(path);
  model->config = config->model;
  if (sys::fs::exists(tokenizerPath))
    model->tokenizerPath = tokenizerPath.str().str();
  model->checkpoint = std::move(*checkpoint);
  if (Error error = Builder(*model, std::move(*config)).build())
    return std::move(error);
  return std::unique_ptr<Model>(std::move(model));
}

} // namespace bitnetc
