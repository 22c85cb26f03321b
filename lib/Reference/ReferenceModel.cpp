//===- ReferenceModel.cpp - The whole decoder, readable and slow ----------===//
//
// One token passes through
//   x = embedding[token]
//   per layer: x += o(subNorm(attention(rope(q, k), v))) of inputNorm(x)
//              x += down(subNorm(act(gate) * up)) of postAttentionNorm(x)
//   logits = head . finalNorm(x)
// where q, k, v, o, gate, up and down are BitLinear layers. Where the norms
// sit differs between families; the model says which ones it has.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Reference/ReferenceModel.h"
#include "bitnetc/Reference/Formulas.h"
#include "bitnetc/Support/Error.h"
#include <cmath>

using namespace llvm;
using namespace bitnetc;
using namespace bitnetc::reference;

using Vector = std::vector<float>;

static Vector readAll(const DenseWeight &weight) {
  int64_t count = 1;
  for (int64_t size : weight.shape)
    count *= size;
  Vector values(count);
  readDense(weight, 0, count, values.data());
  return values;
}

static Vector readAll(const std::optional<DenseWeight> &weight) {
  return weight ? readAll(*weight) : Vector();
}

/// A norm that the model lacks has no gains and changes nothing.
static void normIfPresent(const Vector &gain, double eps, Vector &x) {
  if (!gain.empty())
    rmsNorm(x, gain, eps, x);
}

static void add(Vector &x, const Vector &y) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] += y[i];
}

namespace {

/// BitLinear: norm (where the model has one inside), 8-bit activations, exact
/// ternary product, rescaling.
struct BitLinear {
  std::string name;
  int64_t rows = 0, cols = 0;
  std::vector<int8_t> weights; // [rows, cols]
  float scale = 0;
  Vector normGain;
  double normEps = 0;

  Error load(const TernaryWeight &weight, const DenseWeight *norm, double eps);
  Expected<Vector> operator()(Vector x) const;
};

struct Layer {
  BitLinear q, k, v, o, gate, up, down;
  Vector inputNorm, postAttentionNorm, attnSubNorm, ffnSubNorm;
  // The cache: one row of kvHeads * headDim floats per position.
  Vector keys, values;

  Error load(const LayerWeights &weights, const ModelConfig &config);
  /// The two halves of a layer. `x` is the residual stream before its norm.
  Expected<Vector> attention(const ModelConfig &config, Vector x,
                             ArrayRef<float> frequencies, int64_t position);
  Expected<Vector> feedForward(const ModelConfig &config, Vector x) const;
};

} // namespace

Error BitLinear::load(const TernaryWeight &weight, const DenseWeight *norm,
                      double eps) {
  name = weight.name;
  rows = weight.rows;
  cols = weight.cols;
  weights.resize(rows * cols);
  if (Error error = weight.readRows(0, rows, weights.data()))
    return error;
  if (Error error = weight.scale().moveInto(scale))
    return error;
  if (norm)
    normGain = readAll(*norm);
  normEps = eps;
  return Error::success();
}

Expected<Vector> BitLinear::operator()(Vector x) const {
  normIfPresent(normGain, normEps, x);
  for (float value : x)
    if (!std::isfinite(value))
      return makeError("'" + name + "': expected finite input, but got " +
                       Twine(std::isnan(value) ? "nan" : "infinity") +
                       "; the weights make the activations overflow");
  std::vector<int8_t> quantized(cols);
  float s = quantizeToken(x, quantized);
  std::vector<int32_t> product(rows);
  matmulTernary(quantized, weights, 1, rows, cols, product);
  Vector y(rows);
  for (int64_t row = 0; row < rows; ++row)
    y[row] = rescale(product[row], s, scale);
  return y;
}

Error Layer::load(const LayerWeights &weights, const ModelConfig &config) {
  const std::pair<BitLinear *, std::pair<const char *, TernaryWeight *>>
      projections[] = {{&q, {"q", weights.q.get()}},
                       {&k, {"k", weights.k.get()}},
                       {&v, {"v", weights.v.get()}},
                       {&o, {"o", weights.o.get()}},
                       {&gate, {"gate", weights.gate.get()}},
                       {&up, {"up", weights.up.get()}},
                       {&down, {"down", weights.down.get()}}};
  for (auto [linear, source] : projections) {
    auto norm = weights.linearNorms.find(source.first);
    bool hasNorm = norm != weights.linearNorms.end();
    if (Error error =
            linear->load(*source.second, hasNorm ? &norm->second : nullptr,
                         config.linearNormEps))
      return error;
  }
  inputNorm = readAll(weights.inputNorm);
  postAttentionNorm = readAll(weights.postAttentionNorm);
  attnSubNorm = readAll(weights.attnSubNorm);
  ffnSubNorm = readAll(weights.ffnSubNorm);
  return Error::success();
}

Expected<Vector> Layer::attention(const ModelConfig &config, Vector x,
                                  ArrayRef<float> frequencies,
                                  int64_t position) {
  normIfPresent(inputNorm, config.normEps, x);
  Vector query, key, value;
  if (Error error = q(x).moveInto(query))
    return std::move(error);
  if (Error error = k(x).moveInto(key))
    return std::move(error);
  if (Error error = v(x).moveInto(value))
    return std::move(error);

  int64_t dim = config.headDim, stride = config.kvHeads * dim;
  for (int64_t head = 0; head < config.heads; ++head)
    applyRope({query.data() + head * dim, size_t(dim)}, frequencies, position);
  for (int64_t head = 0; head < config.kvHeads; ++head)
    applyRope({key.data() + head * dim, size_t(dim)}, frequencies, position);
  keys.resize(position * stride);
  values.resize(position * stride);
  keys.insert(keys.end(), key.begin(), key.end());
  values.insert(values.end(), value.begin(), value.end());

  // heads / kvHeads neighbouring query heads share one key and value head.
  Vector mixed(config.heads * dim);
  for (int64_t head = 0; head < config.heads; ++head) {
    int64_t shared = head / (config.heads / config.kvHeads) * dim;
    attendHead({query.data() + head * dim, size_t(dim)}, keys.data() + shared,
               values.data() + shared, position + 1, stride,
               {mixed.data() + head * dim, size_t(dim)});
  }
  normIfPresent(attnSubNorm, config.normEps, mixed);
  return o(std::move(mixed));
}

Expected<Vector> Layer::feedForward(const ModelConfig &config, Vector x) const {
  normIfPresent(postAttentionNorm, config.normEps, x);
  Vector gated, raised;
  if (Error error = gate(x).moveInto(gated))
    return std::move(error);
  if (Error error = up(std::move(x)).moveInto(raised))
    return std::move(error);
  for (size_t i = 0; i < gated.size(); ++i)
    gated[i] = activate(config.activation, gated[i]) * raised[i];
  normIfPresent(ffnSubNorm, config.normEps, gated);
  return down(std::move(gated));
}

struct ReferenceModel::State {
  const Model &model;
  std::vector<Layer> layers; // empty until loaded
  Vector finalNorm, frequencies;
  int64_t cached = 0; // positions whose keys and values are in the cache

  Error load();
  Error evalToken(int32_t token, int64_t position,
                  MutableArrayRef<float> logits);
};

Error ReferenceModel::State::load() {
  const ModelConfig &config = model.config;
  std::vector<Layer> loaded(model.layers.size());
  for (size_t i = 0; i < loaded.size(); ++i)
    if (Error error = loaded[i].load(model.layers[i], config))
      return error;
  finalNorm = readAll(model.finalNorm);
  frequencies =
      ropeFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
  layers = std::move(loaded);
  return Error::success();
}

Error ReferenceModel::State::evalToken(int32_t token, int64_t position,
                                       MutableArrayRef<float> logits) {
  const ModelConfig &config = model.config;
  Vector x(config.hidden), change;
  readDense(model.embedding, token * config.hidden, config.hidden, x.data());
  for (Layer &layer : layers) {
    if (Error error =
            layer.attention(config, x, frequencies, position).moveInto(change))
      return error;
    add(x, change);
    if (Error error = layer.feedForward(config, x).moveInto(change))
      return error;
    add(x, change);
  }
  rmsNorm(x, finalNorm, config.normEps, x);
  Vector row(config.hidden);
  for (int64_t id = 0; id < config.vocab; ++id) {
    readDense(model.head, id * config.hidden, config.hidden, row.data());
    double sum = 0;
    for (int64_t i = 0; i < config.hidden; ++i)
      sum += double(x[i]) * row[i];
    logits[id] = sum;
  }
  return Error::success();
}

ReferenceModel::ReferenceModel(const Model &model)
    : state(new State{model, {}, {}, {}}) {}

ReferenceModel::~ReferenceModel() = default;

Error ReferenceModel::eval(ArrayRef<int32_t> tokens, int64_t position,
                           MutableArrayRef<float> logits) {
  const ModelConfig &config = state->model.config;
  if (position < 0 || position > state->cached)
    return makeError("position: expected 0 to " + Twine(state->cached) +
                     ", but got " + Twine(position) +
                     "; evaluate the tokens before it first");
  int64_t count = tokens.size();
  if (position + count > config.maxContext)
    return makeError("context: expected at most " + Twine(config.maxContext) +
                     " tokens, but got " + Twine(position + count) +
                     "; shorten the input");
  if (int64_t(logits.size()) != count * config.vocab)
    return makeError("logits: expected room for " +
                     Twine(count * config.vocab) + " numbers, but got " +
                     Twine(logits.size()));
  for (int32_t token : tokens)
    if (token < 0 || token >= config.vocab)
      return makeError("token id: expected 0 to " + Twine(config.vocab - 1) +
                       ", but got " + Twine(token));
  if (state->layers.empty())
    if (Error error = state->load())
      return error;
  for (int64_t i = 0; i < count; ++i) {
    if (Error error =
            state->evalToken(tokens[i], position + i,
                             logits.slice(i * config.vocab, config.vocab)))
      return error;
    state->cached = position + i + 1;
  }
  return Error::success();
}
