//===- ModelTest.cpp - Whole checkpoint directories -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Model.h"
#include "TestFiles.h"
#include <map>

using namespace bitnetc;
using namespace bitnetc::test;
using testing::EndsWith;
using testing::HasSubstr;

namespace {

struct Tensor {
  std::string dtype, shape, bytes;
};

/// A Llama of one layer: hidden 4, intermediate 8, 2 heads of 4, 1 kv head,
/// 3 tokens. Tests change the tensors and the config, and then open it.
class TinyCheckpoint {
public:
  TinyCheckpoint() {
    addFloats("model.embed_tokens.weight", "3,4", 12);
    addFloats("lm_head.weight", "3,4", 12);
    addFloats("model.norm.weight", "4", 4);
    addFloats(layer + "input_layernorm.weight", "4", 4);
    addFloats(layer + "post_attention_layernorm.weight", "4", 4);
    addPacked("self_attn.q_proj", 8, 4);
    addPacked("self_attn.k_proj", 4, 4);
    addPacked("self_attn.v_proj", 4, 4);
    addPacked("self_attn.o_proj", 4, 8);
    addPacked("mlp.gate_proj", 8, 4);
    addPacked("mlp.up_proj", 8, 4);
    addPacked("mlp.down_proj", 4, 8);
  }
  void addFloats(const std::string &name, const std::string &shape,
                 size_t count) {
    std::vector<float> values;
    for (size_t i = 0; i < count; ++i)
      values.push_back(0.25f + float(i));
    tensors[name] = {"F32", shape, bytesOf(values)};
  }
  void addPacked(const std::string &module, int64_t rows, int64_t cols) {
    tensors[layer + module + ".weight"] = {
        "U8", std::to_string(rows / 4) + "," + std::to_string(cols),
        std::string(rows / 4 * cols, 0x55)};
    tensors[layer + module + ".weight_scale"] = {"F32", "1",
                                                 bytesOf<float>({4})};
  }
  std::string getConfig() const {
    return "{\"architectures\":[\"" + architecture +
           "\"],\"hidden_size\":4,\"intermediate_size\":8,"
           "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"head_dim\":4,"
           "\"num_key_value_heads\":1,\"vocab_size\":3" +
           more + (quantization.empty() ? "" : ",\"quantization_config\":") +
           quantization + "}";
  }
  llvm::Expected<std::unique_ptr<Model>> open() {
    directory.write("config.json", getConfig());
    FileBuilder file;
    for (const auto &[name, tensor] : tensors)
      file.add(name, tensor.dtype, tensor.shape, tensor.bytes);
    directory.write("model.safetensors", file.build());
    return openModel(directory.getPath());
  }
  std::string getOpenError() { return getError(open()); }

  const std::string layer = "model.layers.0.";
  std::map<std::string, Tensor> tensors;
  std::string architecture = "LlamaForCausalLM", more;
  std::string quantization = "{\"quant_method\":\"bitnet\"}";
  TemporaryDirectory directory;
};

} // namespace

TEST(Model, OpensPackedLlama) {
  TinyCheckpoint checkpoint;
  checkpoint.directory.write("tokenizer.json", "{}");
  checkpoint.directory.write("generation_config.json", "{\"eos_token_id\":2}");
  auto model = checkpoint.open();
  ASSERT_TRUE(bool(model)) << toString(model.takeError());
  EXPECT_THAT((*model)->tokenizerPath, EndsWith("/tokenizer.json"));
  EXPECT_THAT((*model)->config.eosTokens, testing::ElementsAre(2));
  EXPECT_THAT(checkpoint.directory.getPath(),
              EndsWith("/" + (*model)->config.name));
  ASSERT_EQ((*model)->layers.size(), 1u);
  const LayerWeights &layer = (*model)->layers[0];
  EXPECT_EQ(layer.q->rows, 8);
  EXPECT_EQ(layer.q->cols, 4);
  EXPECT_EQ(layer.o->rows, 4);
  EXPECT_EQ(layer.o->cols, 8);
  EXPECT_EQ(layer.down->cols, 8);
  // bitlinear divides.
  EXPECT_EQ(*layer.q->scale(), 0.25f);
  EXPECT_FALSE(layer.attnSubNorm.has_value());
  EXPECT_TRUE(layer.linearNorms.empty());
  EXPECT_EQ((*model)->head.name, "lm_head.weight");
  float value;
  readDense((*model)->finalNorm, 3, 1, &value);
  EXPECT_EQ(value, 3.25f);
}

TEST(Model, AutoBitLinearMultiplies) {
  TinyCheckpoint checkpoint;
  checkpoint.quantization =
      R"({"quant_method":"bitnet","linear_class":"autobitlinear"})";
  auto model = checkpoint.open();
  ASSERT_TRUE(bool(model)) << toString(model.takeError());
  EXPECT_EQ(*(*model)->layers[0].q->scale(), 4.0f);
}

TEST(Model, ReadsNormsInsideLinears) {
  TinyCheckpoint checkpoint;
  checkpoint.quantization = R"({"quant_method":"bitnet","use_rms_norm":true})";
  EXPECT_THAT(checkpoint.getOpenError(),
              EndsWith("model.safetensors: tensor 'model.layers.0.self_attn."
                       "q_proj.rms_norm.weight' is missing"));
  for (const char *module :
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "mlp.gate_proj", "mlp.up_proj"})
    checkpoint.addFloats(checkpoint.layer + module + ".rms_norm.weight", "4",
                         4);
  for (const char *module : {"self_attn.o_proj", "mlp.down_proj"})
    checkpoint.addFloats(checkpoint.layer + module + ".rms_norm.weight", "8",
                         8);
  auto model = checkpoint.open();
  ASSERT_TRUE(bool(model)) << toString(model.takeError());
  EXPECT_EQ((*model)->layers[0].linearNorms.size(), 7u);
  EXPECT_EQ((*model)->layers[0].linearNorms.at("down").shape[0], 8);
}

TEST(Model, OpensMastersWithSubNorms) {
  TinyCheckpoint checkpoint;
  checkpoint.architecture = "BitnetForCausalLM";
  checkpoint.quantization = "";
  for (auto it = checkpoint.tensors.begin(); it != checkpoint.tensors.end();)
    it = llvm::StringRef(it->first).ends_with("_scale")
             ? checkpoint.tensors.erase(it)
             : std::next(it);
  const std::string &layer = checkpoint.layer;
  for (const char *module :
       {"self_attn.q_proj", "mlp.gate_proj", "mlp.up_proj"})
    checkpoint.addFloats(layer + module + ".weight", "8,4", 32);
  for (const char *module : {"self_attn.k_proj", "self_attn.v_proj"})
    checkpoint.addFloats(layer + module + ".weight", "4,4", 16);
  for (const char *module : {"self_attn.o_proj", "mlp.down_proj"})
    checkpoint.addFloats(layer + module + ".weight", "4,8", 32);
  checkpoint.addFloats(layer + "self_attn.inner_attn_ln.weight", "8", 8);
  EXPECT_THAT(
      checkpoint.getOpenError(),
      HasSubstr("tensor 'model.layers.0.mlp.ffn_layernorm.weight' is missing"));
  checkpoint.addFloats(layer + "mlp.ffn_layernorm.weight", "8", 8);
  auto model = checkpoint.open();
  ASSERT_TRUE(bool(model)) << toString(model.takeError());
  EXPECT_TRUE((*model)->layers[0].attnSubNorm.has_value());
  EXPECT_TRUE((*model)->layers[0].ffnSubNorm.has_value());
  // The values 0.25, 1.25 ... 31.25 have the mean 15.75.
  EXPECT_FLOAT_EQ(*(*model)->layers[0].q->scale(), 15.75f);
  checkpoint.addPacked("mlp.up_proj", 8, 4);
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("up_proj.weight': expected floating-point masters, but "
                        "got packed U8 [2, 4]"));
}

TEST(Model, TiedHead) {
  TinyCheckpoint checkpoint;
  checkpoint.more = ",\"tie_word_embeddings\":true";
  // Stored twice, but the same.
  auto twice = checkpoint.open();
  ASSERT_TRUE(bool(twice)) << toString(twice.takeError());
  EXPECT_EQ((*twice)->head.data, (*twice)->embedding.data);
  checkpoint.tensors["lm_head.weight"].bytes[3] ^= 1;
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("tensor 'lm_head.weight': differs from the embedding"));
  checkpoint.tensors.erase("lm_head.weight");
  auto once = checkpoint.open();
  ASSERT_TRUE(bool(once)) << toString(once.takeError());
  EXPECT_EQ((*once)->head.data, (*once)->embedding.data);
  checkpoint.more = "";
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("tensor 'lm_head.weight' is missing"));
}

TEST(Model, RefusesLeftovers) {
  TinyCheckpoint checkpoint;
  checkpoint.tensors[checkpoint.layer + "self_attn.rotary_emb.inv_freq"] = {
      "I64", "1", std::string(8, 'x')};
  auto model = checkpoint.open();
  ASSERT_TRUE(bool(model)) << toString(model.takeError());
  checkpoint.addFloats(checkpoint.layer + "self_attn.q_proj.bias", "8", 8);
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("tensor 'model.layers.0.self_attn.q_proj.bias': is not "
                        "part of the model that config.json describes"));
}

TEST(Model, RefusesWrongShapesAndTypes) {
  struct {
    const char *name;
    Tensor tensor;
    const char *message;
  } cases[] = {
      {"model.embed_tokens.weight",
       {"F32", "4,3", std::string(48, 0)},
       "expected F32, F16 or BF16 [3, 4], but got F32 [4, 3]"},
      {"model.norm.weight",
       {"U8", "4", std::string(4, 0)},
       "expected F32, F16 or BF16 [4], but got U8 [4]"},
      {"model.norm.weight",
       {"F64", "4", std::string(32, 0)},
       "but got F64 [4]"},
      {"model.layers.0.mlp.up_proj.weight",
       {"U8", "4,2", std::string(8, 0)},
       "expected U8 [2, 4], but got U8 [4, 2]"},
      {"model.layers.0.mlp.up_proj.weight",
       {"I8", "2,4", std::string(8, 0)},
       "expected U8 [2, 4], but got I8 [2, 4]"},
      {"model.layers.0.mlp.up_proj.weight",
       {"BF16", "8,4", std::string(64, 0)},
       "expected packed U8 [2, 4], but got BF16 [8, 4]; if these are masters"},
      {"model.layers.0.mlp.up_proj.weight_scale",
       {"F32", "2", std::string(8, 0)},
       "expected F32, F16 or BF16 [1], but got F32 [2]"},
      {"model.norm.weight",
       {"BF16", "4", bytesOf<uint16_t>({0x3f80, 0x3f80, 0x7fc0, 0})},
       "expected finite numbers, but got NaN or infinity at index 2"},
  };
  for (const auto &test : cases) {
    TinyCheckpoint checkpoint;
    ASSERT_EQ(checkpoint.tensors.count(test.name), 1u);
    checkpoint.tensors[test.name] = test.tensor;
    EXPECT_THAT(checkpoint.getOpenError(),
                testing::AllOf(HasSubstr("model.safetensors: tensor '" +
                                         std::string(test.name) + "': "),
                               HasSubstr(test.message)));
  }
}

TEST(Model, RefusesBadScales) {
  for (auto [bits, text] :
       {std::pair<uint32_t, const char *>{0x7fc00000, "nan"},
        {0x7f800000, "inf"},
        {0, "0"},
        {0xbf800000, "-1"}}) {
    TinyCheckpoint checkpoint;
    checkpoint.tensors["model.layers.0.mlp.up_proj.weight_scale"].bytes =
        bytesOf<uint32_t>({bits});
    EXPECT_THAT(
        checkpoint.getOpenError(),
        HasSubstr("tensor 'model.layers.0.mlp.up_proj.weight_scale': expected "
                  "a finite number above 0, but got " +
                  std::string(text)));
  }
  TinyCheckpoint tiny;
  tiny.tensors["model.layers.0.mlp.up_proj.weight_scale"].bytes =
      bytesOf<uint32_t>({1});
  EXPECT_THAT(tiny.getOpenError(),
              HasSubstr("expected a number that can be divided by"));
}

TEST(Model, RefusesOrdinaryModels) {
  TinyCheckpoint checkpoint;
  checkpoint.quantization = "";
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("q_proj.weight': has packed weights, but config.json "
                        "has no quantization_config"));
  Tensor &q = checkpoint.tensors["model.layers.0.self_attn.q_proj.weight"];
  checkpoint.addFloats("model.layers.0.self_attn.q_proj.weight", "8,4", 32);
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("the weights are not ternary: config.json has no "
                        "quantization_config"));
  std::vector<float> rows;
  for (int i = 0; i < 32; ++i)
    rows.push_back((i % 3 - 1) * (i / 4 + 0.5f));
  q.bytes = bytesOf(rows);
  EXPECT_THAT(checkpoint.getOpenError(),
              HasSubstr("holds ternary values with a scale per row (as TriLM"));
}

TEST(Model, RefusesOtherPaths) {
  TemporaryDirectory directory;
  EXPECT_THAT(getError(openModel(directory.getPath() + "/none")),
              EndsWith("/none: no such directory"));
  EXPECT_THAT(getError(openModel(directory.getPath())),
              HasSubstr("'config.json' is missing"));
  directory.write("config.json", "{}");
  EXPECT_THAT(getError(openModel(directory.getPath() + "/config.json")),
              HasSubstr("expected the directory of a Hugging Face checkpoint"));
}
