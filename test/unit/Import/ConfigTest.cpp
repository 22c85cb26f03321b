//===- ConfigTest.cpp - config.json as the checkpoints really are ---------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Import/Config.h"
#include "TestFiles.h"

using namespace bitnetc;
using namespace bitnetc::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

static const std::string shape =
    R"("hidden_size":64,"intermediate_size":96,"num_hidden_layers":2,)"
    R"("num_attention_heads":4,"vocab_size":300)";

static std::string makeConfig(const std::string &architecture,
                              const std::string &more = "") {
  return "{\"architectures\":[\"" + architecture + "\"]," + shape +
         (more.empty() ? "" : ",") + more + "}";
}

static ImportConfig parse(const std::string &text) {
  auto config = parseConfig("config.json", text);
  if (config)
    return *config;
  ADD_FAILURE() << toString(config.takeError());
  return {};
}

static std::string parseError(const std::string &text) {
  return getError(parseConfig("config.json", text));
}

/// The error of a Llama config with this member more.
static std::string memberError(const std::string &member) {
  return parseError(makeConfig("LlamaForCausalLM", member));
}

static const std::string bitnetMethod =
    R"("quantization_config":{"quant_method":"bitnet")";

// The keys of microsoft/bitnet-b1.58-2B-4T.
TEST(Config, Microsoft2B) {
  ImportConfig config = parse(
      R"({"architectures":["BitNetForCausalLM"],"auto_map":{"AutoConfig":
      "configuration_bitnet.BitNetConfig"},"bos_token_id":128000,
      "eos_token_id":128001,"hidden_act":"relu2","hidden_size":2560,
      "initializer_range":0.02,"intermediate_size":6912,
      "max_position_embeddings":4096,"model_type":"bitnet",
      "rms_norm_eps":1e-05,"num_attention_heads":20,"num_hidden_layers":30,
      "num_key_value_heads":5,"rope_theta":500000.0,
      "tie_word_embeddings":true,"torch_dtype":"bfloat16","use_cache":true,
      "vocab_size":128256,"quantization_config":{"quant_method":"bitnet",
      "linear_class":"autobitlinear","quantization_mode":"offline"}})");
  const ModelConfig &m = config.model;
  EXPECT_EQ(config.storage, WeightStorage::PackedMultiply);
  EXPECT_EQ(m.family, "bitnet");
  EXPECT_EQ(m.hidden, 2560);
  EXPECT_EQ(m.intermediate, 6912);
  EXPECT_EQ(m.layers, 30);
  EXPECT_EQ(m.heads, 20);
  EXPECT_EQ(m.kvHeads, 5);
  EXPECT_EQ(m.headDim, 128);
  EXPECT_EQ(m.vocab, 128256);
  EXPECT_EQ(m.maxContext, 4096);
  EXPECT_EQ(m.normEps, 1e-5);
  EXPECT_EQ(m.ropeTheta, 500000);
  EXPECT_EQ(m.activation, Activation::ReLU2);
  EXPECT_TRUE(m.subNorms);
  EXPECT_FALSE(m.linearNorms);
  EXPECT_TRUE(m.tiedHead);
  EXPECT_EQ(m.bosToken, 128000);
  EXPECT_THAT(m.eosTokens, ElementsAre(128001));
  EXPECT_EQ(config.attnSubNormName, "self_attn.attn_sub_norm");
  EXPECT_EQ(config.ffnSubNormName, "mlp.ffn_sub_norm");
}

TEST(Config, OneBitLLM) {
  ImportConfig config = parse(makeConfig(
      "BitnetForCausalLM",
      R"("model_type":"llama","weight_bits":1,"input_bits":8,"head_dim":null,)"
      R"("rope_scaling":null,"tie_word_embeddings":true)"));
  EXPECT_EQ(config.storage, WeightStorage::Masters);
  EXPECT_EQ(config.model.family, "1bitllm");
  EXPECT_EQ(config.model.activation, Activation::SiLU);
  EXPECT_EQ(config.model.headDim, 16);
  EXPECT_EQ(config.model.kvHeads, 4);
  EXPECT_EQ(config.model.ropeTheta, 10000);
  EXPECT_EQ(config.attnSubNormName, "self_attn.inner_attn_ln");
  EXPECT_EQ(config.ffnSubNormName, "mlp.ffn_layernorm");
  EXPECT_THAT(parseError(makeConfig("BitnetForCausalLM", R"("weight_bits":2)")),
              HasSubstr("'weight_bits': expected 1, but got 2"));
  EXPECT_THAT(parseError(makeConfig("BitnetForCausalLM", R"("input_bits":4)")),
              HasSubstr("'input_bits': expected 8, but got 4"));
  EXPECT_THAT(parseError(makeConfig("BitnetForCausalLM", bitnetMethod + "}")),
              HasSubstr("'quantization_config': expected none"));
}

TEST(Config, LastOfDuplicateKeysCounts) {
  // HF1BitLLM/Llama3-8B-1.58-100B-tokens has the key twice.
  ImportConfig config = parse(makeConfig(
      "LlamaForCausalLM",
      R"("quantization_config":{"quant_method":"awq","linear_class":"x"},)" +
          bitnetMethod +
          "},\"num_key_value_heads\":1,"
          "\"num_key_value_heads\":2"));
  EXPECT_EQ(config.storage, WeightStorage::PackedDivide);
  EXPECT_EQ(config.model.kvHeads, 2);
}

TEST(Config, Llama) {
  ImportConfig config = parse(makeConfig(
      "LlamaForCausalLM",
      bitnetMethod + R"(,"modules_to_not_convert":["lm_head"]},"head_dim":22,)"
                     R"("num_key_value_heads":2,"eos_token_id":[11,12,11])"));
  EXPECT_EQ(config.storage, WeightStorage::PackedDivide);
  EXPECT_EQ(config.model.family, "llama");
  EXPECT_FALSE(config.model.subNorms);
  EXPECT_FALSE(config.model.tiedHead);
  EXPECT_EQ(config.model.headDim, 22);
  EXPECT_EQ(config.model.normEps, 1e-6);
  EXPECT_EQ(config.model.bosToken, -1);
  EXPECT_THAT(config.model.eosTokens, ElementsAre(11, 12));
  EXPECT_EQ(parse(makeConfig("LlamaForCausalLM")).storage,
            WeightStorage::NotTernary);
}

TEST(Config, QuantizationModes) {
  auto getStorage = [](const std::string &more) {
    return parse(makeConfig("LlamaForCausalLM", bitnetMethod + more + "}"))
        .storage;
  };
  EXPECT_EQ(getStorage(R"(,"linear_class":"autobitlinear")"),
            WeightStorage::PackedMultiply);
  EXPECT_EQ(getStorage(R"(,"linear_class":"autobitlinear",)"
                       R"("quantization_mode":"online")"),
            WeightStorage::Masters);
  EXPECT_EQ(getStorage(R"(,"linear_class":"bitlinear",)"
                       R"("quantization_mode":"offline")"),
            WeightStorage::PackedDivide);
  ImportConfig norms = parse(makeConfig(
      "LlamaForCausalLM",
      bitnetMethod + R"(,"use_rms_norm":true,"rms_norm_eps":1e-4})"));
  EXPECT_TRUE(norms.model.linearNorms);
  EXPECT_EQ(norms.model.linearNormEps, 1e-4);
  EXPECT_EQ(norms.model.normEps, 1e-6);
}

TEST(Config, ModulesToNotConvert) {
  auto make = [](const std::string &entry) {
    return makeConfig("LlamaForCausalLM",
                      bitnetMethod + ",\"modules_to_not_convert\":[\"" + entry +
                          "\"]}");
  };
  for (const char *harmless :
       {"lm_head", "lm_head.weight", "model.embed_tokens", "model.norm",
        "model.layers.0.input_layernorm"})
    EXPECT_EQ(parse(make(harmless)).storage, WeightStorage::PackedDivide)
        << harmless;
  for (const char *projection :
       {"model.layers.1.mlp.gate_proj", "q_proj", "model.layers.12", "mlp",
        "model", "1.self_attn"})
    EXPECT_THAT(parseError(make(projection)),
                HasSubstr(std::string("'quantization_config.modules_to_not_"
                                      "convert': '") +
                          projection + "' keeps a projection"))
        << projection;
}

TEST(Config, Rope) {
  ImportConfig llama3 = parse(makeConfig(
      "LlamaForCausalLM",
      R"("rope_theta":500000,"rope_scaling":{"factor":32.0,)"
      R"("low_freq_factor":1.0,"high_freq_factor":4.0,)"
      R"("original_max_position_embeddings":8192,"rope_type":"llama3"})"));
  const RopeScaling &scaling = llama3.model.ropeScaling;
  EXPECT_EQ(scaling.kind, RopeScaling::Llama3);
  EXPECT_EQ(scaling.factor, 32);
  EXPECT_EQ(scaling.lowFreqFactor, 1);
  EXPECT_EQ(scaling.highFreqFactor, 4);
  EXPECT_EQ(scaling.originalContext, 8192);
  EXPECT_EQ(llama3.model.ropeTheta, 500000);
  ImportConfig linear = parse(makeConfig(
      "LlamaForCausalLM", R"("rope_scaling":{"type":"linear","factor":2})"));
  EXPECT_EQ(linear.model.ropeScaling.kind, RopeScaling::Linear);
  EXPECT_EQ(linear.model.ropeScaling.factor, 2);
  // transformers 5 writes both into one object.
  ImportConfig five = parse(makeConfig(
      "LlamaForCausalLM",
      R"("rope_parameters":{"rope_theta":7.5,"rope_type":"default"})"));
  EXPECT_EQ(five.model.ropeTheta, 7.5);
  EXPECT_EQ(five.model.ropeScaling.kind, RopeScaling::None);
  for (const char *type : {"yarn", "dynamic", "longrope"})
    EXPECT_THAT(memberError(std::string(R"("rope_scaling":{"factor":2,)") +
                            "\"rope_type\":\"" + type + "\"}"),
                HasSubstr(std::string("'rope_scaling.rope_type': expected "
                                      "'default', 'linear' or 'llama3', but "
                                      "got '") +
                          type + "'"));
  EXPECT_THAT(memberError(R"("rope_scaling":{"type":"linear"})"),
              HasSubstr("'rope_scaling.factor': is missing"));
  EXPECT_THAT(memberError(R"("rope_scaling":{"rope_type":"llama3","factor":8,)"
                          R"("low_freq_factor":4,"high_freq_factor":4,)"
                          R"("original_max_position_embeddings":1})"),
              HasSubstr("expected more than low_freq_factor"));
  EXPECT_THAT(memberError(R"("rope_theta":0)"),
              HasSubstr("'rope_theta': expected a number above 0, but got 0"));
  EXPECT_THAT(memberError(R"("rope_theta":1e999)"),
              HasSubstr("'rope_theta': expected a finite number"));
  EXPECT_THAT(memberError(R"("partial_rotary_factor":0.5)"),
              HasSubstr("'partial_rotary_factor': expected 1, but got 0.5"));
}

TEST(Config, RefusesBadShapes) {
  EXPECT_EQ(parseError("{\"architectures\":[\"LlamaForCausalLM\"]}"),
            "config.json: 'hidden_size': is missing");
  EXPECT_THAT(memberError("\"hidden_size\":0"),
              HasSubstr("'hidden_size': expected a number from 1 to "
                        "2147483647, but got 0"));
  EXPECT_THAT(memberError("\"hidden_size\":\"64\""),
              HasSubstr("'hidden_size': expected an integer, but got \"64\""));
  EXPECT_THAT(memberError("\"num_hidden_layers\":99999999"),
              HasSubstr("from 1 to 65536"));
  EXPECT_THAT(memberError("\"num_key_value_heads\":3"),
              HasSubstr("expected a divisor of num_attention_heads 4"));
  EXPECT_THAT(memberError("\"num_attention_heads\":3"),
              HasSubstr("'head_dim': is missing, and hidden_size 64 is no "
                        "multiple of 3 heads"));
  EXPECT_THAT(memberError("\"head_dim\":15"),
              HasSubstr("'head_dim': expected an even number"));
}

TEST(Config, RefusesWhatIsNotSupported) {
  EXPECT_THAT(parseError(makeConfig("Qwen3ForCausalLM")),
              HasSubstr("but got 'Qwen3ForCausalLM'; this architecture is not "
                        "supported"));
  EXPECT_THAT(parseError("{" + shape + "}"),
              HasSubstr("'architectures': expected a list with one name, but "
                        "got nothing"));
  EXPECT_THAT(memberError("\"architectures\":\"LlamaForCausalLM\""),
              HasSubstr("'architectures': expected an array"));
  EXPECT_THAT(memberError("\"architectures\":[]"),
              HasSubstr("but got an array of 0"));
  for (const char *key : {"attention_bias", "mlp_bias"})
    EXPECT_THAT(
        memberError("\"" + std::string(key) + "\":true"),
        HasSubstr(std::string("'") + key + "': expected false, but got true"));
  EXPECT_THAT(memberError("\"hidden_act\":\"gelu_pytorch_tanh\""),
              HasSubstr("'hidden_act': expected 'silu' or 'relu2', but "
                        "got 'gelu_pytorch_tanh'"));
  EXPECT_THAT(
      memberError(R"("quantization_config":{"quant_method":"gptq","bits":4})"),
      HasSubstr("'quantization_config.quant_method': expected 'bitnet', but "
                "got 'gptq'"));
  EXPECT_THAT(memberError(bitnetMethod + R"(,"linear_class":"mylinear"})"),
              HasSubstr("'quantization_config.linear_class'"));
  EXPECT_THAT(memberError(bitnetMethod + R"(,"quantization_mode":"later"})"),
              HasSubstr("'quantization_config.quantization_mode'"));
  EXPECT_THAT(memberError("\"quantization_config\":[]"),
              HasSubstr("'quantization_config': expected an object"));
  EXPECT_THAT(memberError("\"rms_norm_eps\":-1"), HasSubstr("'rms_norm_eps'"));
  EXPECT_THAT(memberError("\"tie_word_embeddings\":1"),
              HasSubstr("'tie_word_embeddings': expected true or false"));
  EXPECT_THAT(memberError("\"eos_token_id\":300"),
              HasSubstr("'eos_token_id': expected a token id below vocab_size "
                        "300, but got 300"));
  EXPECT_THAT(memberError("\"eos_token_id\":[2,\"x\"]"),
              HasSubstr("but got \"x\""));
  EXPECT_THAT(memberError("\"bos_token_id\":-1"), HasSubstr("but got -1"));
}

TEST(Config, RefusesBrokenJson) {
  EXPECT_THAT(parseError("{\"a\":NaN}"),
              StartsWith("config.json: broken JSON: "));
  EXPECT_THAT(parseError("{\"a\":1,}"),
              StartsWith("config.json: broken JSON: "));
  EXPECT_EQ(parseError("[1,2]"),
            "config.json: expected a JSON object, but got an array of 2");
}

TEST(Config, AcceptsAByteOrderMark) {
  parse("\xEF\xBB\xBF" + makeConfig("LlamaForCausalLM"));
}

TEST(GenerationConfig, ReplacesTokens) {
  ModelConfig config = parse(makeConfig("LlamaForCausalLM",
                                        R"("eos_token_id":5,"bos_token_id":1)"))
                           .model;
  ASSERT_FALSE(bool(parseGenerationConfig("g", "{}", config)));
  EXPECT_THAT(config.eosTokens, ElementsAre(5));
  ASSERT_FALSE(bool(parseGenerationConfig(
      "g", R"({"eos_token_id":[7,8],"bos_token_id":null})", config)));
  EXPECT_THAT(config.eosTokens, ElementsAre(7, 8));
  EXPECT_EQ(config.bosToken, 1);
  EXPECT_THAT(
      getError(parseGenerationConfig("g", R"({"eos_token_id":300})", config)),
      StartsWith("g: 'eos_token_id': expected a token id below"));
}
