//===- Layout.cpp - Named layouts, their tensors and config.json ----------===//
//
// The scales are chosen so that a random model behaves like a trained one where
// it matters for tests: every BitLinear keeps the variance of its input, the
// layers together outweigh the embedding in the residual stream (otherwise the
// model just repeats its last token), and logits have a standard deviation of
// about 3, so that the choice of a token is neither uniform nor certain.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Layout.h"
#include "bitnetc/Support/Error.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace llvm;

namespace bitnetc::gen {

/// Mean of t^2 over the ternary weights: 60 % are not zero.
static constexpr double weightPower = 0.6;
/// Standard deviation of the logits.
static constexpr double logitDeviation = 3;
/// Variance that all layers together add to the residual stream, whose
/// embedding has far less.
static constexpr double layersPower = 64;

static Layout dummy(const char *name, int64_t hidden, int64_t intermediate,
                    int64_t layers, int64_t heads) {
  Layout layout;
  layout.name = name;
  layout.hidden = hidden;
  layout.intermediate = intermediate;
  layout.layers = layers;
  layout.heads = layout.kvHeads = heads;
  layout.headDim = hidden / heads;
  layout.vocab = 32002;
  layout.context = 2048;
  return layout;
}

static std::vector<Layout> makeNamedLayouts() {
  // Shapes of bitnet.cpp's utils/generate-dummy-bitnet-model.py, and of the
  // published models 0.7B and 3B (1bitLLM), 2B-4T (Microsoft), Llama3-8B
  // (HF1BitLLM).
  std::vector<Layout> layouts = {
      dummy("125M", 768, 3072, 11, 12),
      dummy("350M", 1024, 3072, 24, 16),
      dummy("0.7B", 1536, 4096, 24, 16),
      dummy("1B", 2048, 3584, 24, 32),
      dummy("1.5B", 1536, 9216, 28, 32),
      dummy("2B-4T", 2560, 6912, 30, 20),
      dummy("2.7B", 3072, 7680, 24, 32),
      dummy("3B", 3200, 8640, 26, 32),
      dummy("3.8B", 3840, 8192, 24, 32),
      dummy("7B", 4096, 12032, 32, 32),
      dummy("Llama3-8B", 4096, 14336, 32, 32),
      dummy("13B", 5120, 13824, 40, 40),
      dummy("30B", 6656, 16384, 60, 52),
      dummy("70B", 8192, 24576, 80, 64),
      dummy("100B", 8192, 45568, 72, 64),
  };
  for (Layout &layout : layouts) {
    if (layout.name == "0.7B" || layout.name == "3B") {
      layout.family = Family::OneBitLLM;
      layout.packed = false;
      layout.dtype = FloatType::F32;
    } else if (layout.name == "2B-4T") {
      layout.kvHeads = 5;
      layout.vocab = 128256;
      layout.context = 4096;
      layout.ropeTheta = 500000;
    } else if (layout.name == "Llama3-8B") {
      layout.family = Family::Llama;
      layout.kvHeads = 8;
      layout.vocab = 128256;
      layout.context = 8192;
      layout.ropeTheta = 500000;
      layout.tied = false;
    }
  }
  return layouts;
}

ArrayRef<Layout> getNamedLayouts() {
  static const std::vector<Layout> layouts = makeNamedLayouts();
  return layouts;
}

const Layout *findLayout(StringRef name) {
  for (const Layout &layout : getNamedLayouts())
    if (name.equals_insensitive(layout.name))
      return &layout;
  return nullptr;
}

Error checkLayout(const Layout &layout) {
  struct {
    const char *flag;
    int64_t value, least, most;
  } ranges[] = {
      {"--hidden", layout.hidden, 1, 1 << 20},
      {"--intermediate", layout.intermediate, 1, 1 << 22},
      {"--layers", layout.layers, 1, 10000},
      {"--heads", layout.heads, 1, 1 << 16},
      {"--kv-heads", layout.kvHeads, 1, 1 << 16},
      {"--head-dim", layout.headDim, 2, 1 << 16},
      // The byte-level tokenizer needs every byte, a start and an end.
      {"--vocab", layout.vocab, 258, 1 << 24},
      {"--context", layout.context, 1, 1 << 30},
  };
  for (const auto &range : ranges)
    if (range.value < range.least || range.value > range.most)
      return makeError(Twine(range.flag) + ": expected " + Twine(range.least) +
                       " to " + Twine(range.most) + ", but got " +
                       Twine(range.value));
  if (layout.headDim % 2 != 0)
    return makeError("--head-dim: expected an even number, but got " +
                     Twine(layout.headDim));
  if (layout.heads % layout.kvHeads != 0)
    return makeError(
        "--kv-heads: expected a divisor of --heads=" + Twine(layout.heads) +
        ", but got " + Twine(layout.kvHeads));
  if (layout.family == Family::OneBitLLM && layout.packed)
    return makeError("--packed: the family 1bitllm has only --masters");
  return Error::success();
}

static StringRef getName(FloatType type) {
  return type == FloatType::F32   ? "F32"
         : type == FloatType::F16 ? "F16"
                                  : "BF16";
}

static uint64_t getSize(FloatType type) {
  return type == FloatType::F32 ? 4 : 2;
}

namespace {
class Planner {
public:
  explicit Planner(const Layout &layout) : layout(layout) {}
  std::vector<TensorPlan> plan();

private:
  void addDense(const Twine &name, std::vector<int64_t> shape, Fill fill,
                double scale);
  /// A ternary matrix that multiplies the variance of its input by `power`.
  void addProjection(const Twine &module, int64_t rows, int64_t cols,
                     double power);

  const Layout &layout;
  std::vector<TensorPlan> tensors;
};
} // namespace

void Planner::addDense(const Twine &name, std::vector<int64_t> shape, Fill fill,
                       double scale) {
  uint64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  tensors.push_back({name.str(), getName(layout.dtype).str(), std::move(shape),
                     fill, scale, 0, elements * getSize(layout.dtype)});
}

void Planner::addProjection(const Twine &module, int64_t rows, int64_t cols,
                            double power) {
  double scale = std::sqrt(power / (weightPower * double(cols)));
  std::string name = module.str();
  if (!layout.packed)
    return addDense(name + ".weight", {rows, cols}, Fill::Masters, scale);
  int64_t packedRows = divideCeil(rows, 4);
  tensors.push_back({name + ".weight",
                     "U8",
                     {packedRows, cols},
                     Fill::Codes,
                     0,
                     rows,
                     uint64_t(packedRows) * cols});
  // bitlinear divides by its scale, autobitlinear multiplies.
  addDense(name + ".weight_scale", {1}, Fill::ScaleOnly,
           layout.family == Family::Llama ? 1 / scale : scale);
}

std::vector<TensorPlan> Planner::plan() {
  const Layout &l = layout;
  int64_t qSize = l.heads * l.headDim, kvSize = l.kvHeads * l.headDim;
  double embeddingDeviation = logitDeviation / std::sqrt(double(l.hidden));
  double residualPower = layersPower / (2 * l.layers);
  addDense("model.embed_tokens.weight", {l.vocab, l.hidden}, Fill::Normal,
           embeddingDeviation);
  bool subNorms = l.family != Family::Llama;
  bool ms = l.family == Family::BitNet;
  for (int64_t i = 0; i < l.layers; ++i) {
    std::string prefix = ("model.layers." + Twine(i) + ".").str();
    addDense(prefix + "input_layernorm.weight", {l.hidden}, Fill::Gain, 1);
    addProjection(prefix + "self_attn.q_proj", qSize, l.hidden, 1);
    addProjection(prefix + "self_attn.k_proj", kvSize, l.hidden, 1);
    addProjection(prefix + "self_attn.v_proj", kvSize, l.hidden, 1);
    if (subNorms)
      addDense(prefix + (ms ? "self_attn.attn_sub_norm.weight"
                            : "self_attn.inner_attn_ln.weight"),
               {qSize}, Fill::Gain, 1);
    addProjection(prefix + "self_attn.o_proj", l.hidden, qSize, residualPower);
    addDense(prefix + "post_attention_layernorm.weight", {l.hidden}, Fill::Gain,
             1);
    addProjection(prefix + "mlp.gate_proj", l.intermediate, l.hidden, 1);
    addProjection(prefix + "mlp.up_proj", l.intermediate, l.hidden, 1);
    if (subNorms)
      addDense(prefix + (ms ? "mlp.ffn_sub_norm.weight"
                            : "mlp.ffn_layernorm.weight"),
               {l.intermediate}, Fill::Gain, 1);
    addProjection(prefix + "mlp.down_proj", l.hidden, l.intermediate,
                  residualPower);
  }
  addDense("model.norm.weight", {l.hidden}, Fill::Gain, 1);
  if (!l.tied)
    addDense("lm_head.weight", {l.vocab, l.hidden}, Fill::Normal,
             embeddingDeviation);
  return std::move(tensors);
}

std::vector<TensorPlan> planTensors(const Layout &layout) {
  return Planner(layout).plan();
}

ParameterCount countParameters(const Layout &layout) {
  ParameterCount count = {};
  for (const TensorPlan &tensor : planTensors(layout)) {
    if (tensor.fill == Fill::ScaleOnly)
      continue;
    uint64_t elements = 1;
    for (int64_t size : tensor.shape)
      elements *= size;
    if (tensor.fill == Fill::Codes)
      elements = uint64_t(tensor.rows) * tensor.shape[1];
    count.total += elements;
    if (tensor.fill == Fill::Codes || tensor.fill == Fill::Masters)
      count.ternary += elements;
  }
  return count;
}

int64_t getBosToken(const Layout &layout) { return layout.vocab - 2; }
int64_t getEosToken(const Layout &layout) { return layout.vocab - 1; }

std::string makeConfig(const Layout &l) {
  bool ms = l.family == Family::BitNet, llama = l.family == Family::Llama;
  json::Object config{
      {"architectures",
       {ms      ? "BitNetForCausalLM"
        : llama ? "LlamaForCausalLM"
                : "BitnetForCausalLM"}},
      {"model_type", ms ? "bitnet" : "llama"},
      {"hidden_size", l.hidden},
      {"intermediate_size", l.intermediate},
      {"num_hidden_layers", l.layers},
      {"num_attention_heads", l.heads},
      {"num_key_value_heads", l.kvHeads},
      {"head_dim", l.headDim},
      {"vocab_size", l.vocab},
      {"max_position_embeddings", l.context},
      {"rope_theta", l.ropeTheta},
      {"rms_norm_eps", 1e-5},
      {"hidden_act", ms ? "relu2" : "silu"},
      {"attention_bias", false},
      {"tie_word_embeddings", l.tied},
      {"bos_token_id", getBosToken(l)},
      {"eos_token_id", getEosToken(l)},
      {"torch_dtype", l.dtype == FloatType::F32   ? "float32"
                      : l.dtype == FloatType::F16 ? "float16"
                                                  : "bfloat16"},
  };
  if (l.family == Family::OneBitLLM) {
    config["weight_bits"] = 1;
    config["input_bits"] = 8;
  } else {
    json::Object quantization{{"quant_method", "bitnet"},
                              {"modules_to_not_convert", {"lm_head"}}};
    if (ms || !l.packed) {
      quantization["linear_class"] = "autobitlinear";
      quantization["quantization_mode"] = l.packed ? "offline" : "online";
    }
    config["quantization_config"] = std::move(quantization);
  }
  std::string text;
  raw_string_ostream os(text);
  os << formatv("{0:2}", json::Value(std::move(config))) << '\n';
  return text;
}

std::string makeGenerationConfig(const Layout &layout) {
  json::Object config{{"bos_token_id", getBosToken(layout)},
                      {"eos_token_id", getEosToken(layout)},
                      {"do_sample", true}};
  std::string text;
  raw_string_ostream os(text);
  os << formatv("{0:2}", json::Value(std::move(config))) << '\n';
  return text;
}

} // namespace bitnetc::gen
