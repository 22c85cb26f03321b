# SPDX-License-Identifier: Apache-2.0
"""The checkpoint families and their configuration files.

Sizes are tiny and awkward on purpose: head_dim 100, widths that no vector
register divides, odd vocabularies.
"""

import json
from dataclasses import dataclass, replace

import torch


@dataclass
class Family:
    name: str
    architecture: str        # of config.json
    model_type: str
    tokenizer: str           # key of tiny_tokenizers.KINDS
    vocab: int
    hidden: int
    inter: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    act: str
    theta: float
    eps: float
    tied: bool
    packed: bool             # U8 weights and weight_scale, or masters
    dtype: torch.dtype       # of everything that is not U8
    quantization: object     # of config.json, or None
    sub_norms: bool = False  # before o_proj and down_proj
    inner_norm: bool = False  # RMSNorm inside every linear layer
    shards: int = 1
    rope_scaling: object = None
    explicit_head_dim: bool = False
    extra_eos: tuple = ()    # more ids that end a text
    old_names: bool = False  # 1bitLLM's names of the sub-norms
    duplicate_key: object = None  # first, losing quantization_config
    # Where the search for a good golden starts.  It was made from 1 once and
    # takes minutes; give 1 again after a change of the model or the rules.
    first_seed: int = 1

    @property
    def multiplies(self):
        """Whether weight_scale is mean|W| or its reciprocal."""
        return self.quantization["linear_class"] == "autobitlinear" \
            if "linear_class" in self.quantization else False

    def rename(self, name):
        if not self.old_names:
            return name
        return name.replace("attn_sub_norm", "inner_attn_ln").replace(
            "ffn_sub_norm", "ffn_layernorm")

    def library_twin(self):
        """The family whose class in transformers computes this one."""
        if not self.old_names:
            return self
        return replace(self, architecture="BitNetForCausalLM",
                       model_type="bitnet", old_names=False,
                       quantization=ONLINE)


ONLINE = {"quant_method": "bitnet", "linear_class": "autobitlinear",
          "quantization_mode": "online"}
OFFLINE = {**ONLINE, "quantization_mode": "offline"}
BITLINEAR = {"quant_method": "bitnet", "modules_to_not_convert": None}

MICROSOFT = Family(
    name="bitnet-packed", architecture="BitNetForCausalLM",
    model_type="bitnet", tokenizer="llama3", vocab=320, hidden=96, inter=200,
    layers=2, heads=6, kv_heads=2, head_dim=16, act="relu2", theta=500000.0,
    eps=1e-5, tied=True, packed=True, dtype=torch.bfloat16,
    quantization=OFFLINE, sub_norms=True, first_seed=13)

ONEBITLLM = Family(
    name="1bitllm-f16", architecture="BitnetForCausalLM", model_type="llama",
    tokenizer="llama2", vocab=323, hidden=200, inter=70, layers=1, heads=2,
    kv_heads=1, head_dim=100, act="silu", theta=10000.0, eps=1e-5, tied=True,
    packed=False, dtype=torch.float16, quantization=None, sub_norms=True,
    old_names=True, first_seed=40)

LLAMA = Family(
    name="llama-packed", architecture="LlamaForCausalLM", model_type="llama",
    tokenizer="llama3", vocab=320, hidden=128, inter=344, layers=2, heads=4,
    kv_heads=2, head_dim=32, act="silu", theta=500000.0, eps=1e-5, tied=False,
    packed=True, dtype=torch.bfloat16, quantization=BITLINEAR, first_seed=67)

FAMILIES = [
    MICROSOFT,
    replace(MICROSOFT, name="bitnet-masters", quantization=ONLINE,
            packed=False, hidden=80, heads=5, kv_heads=1, inter=136,
            first_seed=32),
    ONEBITLLM,
    replace(ONEBITLLM, name="1bitllm-f32-sharded", dtype=torch.float32,
            shards=2, layers=2, hidden=60, heads=3, kv_heads=3, head_dim=20,
            inter=90, first_seed=15),
    # Its config.json names quantization_config twice, the last one counts.
    # The losing one here would even multiply where one has to divide.
    replace(LLAMA, extra_eos=("<|eot_id|>",), duplicate_key=OFFLINE),
    replace(LLAMA, name="llama3-rope", first_seed=71, rope_scaling={
        "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        # Below the length of the golden, so that all three bands of
        # frequencies matter.
        "original_max_position_embeddings": 32, "rope_type": "llama3"}),
    replace(LLAMA, name="falcon3-like", tokenizer="falcon3", hidden=96,
            heads=4, kv_heads=2, head_dim=64, explicit_head_dim=True,
            inter=256, theta=1000042.0, eps=1e-6, dtype=torch.float32,
            first_seed=250,
            quantization={"modules_to_not_convert": ["lm_head"],
                          "quant_method": "bitnet"}),
    replace(LLAMA, name="llama-rmsnorm-packed", inner_norm=True,
            dtype=torch.float16, tied=True, hidden=100, heads=5, kv_heads=5,
            head_dim=20, inter=172, first_seed=12,
            quantization={**BITLINEAR, "use_rms_norm": True,
                          "rms_norm_eps": 1e-6}),
    replace(LLAMA, name="llama-rmsnorm-masters", inner_norm=True,
            packed=False, hidden=64, heads=2, kv_heads=1, inter=150,
            first_seed=33,
            quantization={**ONLINE, "use_rms_norm": True,
                          "rms_norm_eps": 1e-5}),
]

DTYPE_NAMES = {torch.bfloat16: "bfloat16", torch.float16: "float16",
               torch.float32: "float32"}


def eos_value(f, eos):
    """One id, or a list of ids as Llama 3's instruction models have it."""
    # The llama3 tokenizer puts <|eot_id|> last.
    return [eos, f.vocab - 1] if f.extra_eos else eos


def config_json(f, bos, eos):
    config = {
        "architectures": [f.architecture], "model_type": f.model_type,
        "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": bos, "eos_token_id": eos_value(f, eos),
        "hidden_act": f.act, "hidden_size": f.hidden,
        "initializer_range": 0.02, "intermediate_size": f.inter,
        "max_position_embeddings": 256, "num_attention_heads": f.heads,
        "num_hidden_layers": f.layers, "num_key_value_heads": f.kv_heads,
        "rms_norm_eps": f.eps, "rope_scaling": f.rope_scaling,
        "rope_theta": f.theta, "tie_word_embeddings": f.tied,
        "torch_dtype": DTYPE_NAMES[f.dtype], "use_cache": True,
        "vocab_size": f.vocab}
    if bos is None:
        del config["bos_token_id"]
    if f.explicit_head_dim:
        config["head_dim"] = f.head_dim
    if f.old_names:
        config.update(weight_bits=1, input_bits=8, pretraining_tp=1)
    if f.quantization:
        config["quantization_config"] = f.quantization
    text = json.dumps(config, indent=2) + "\n"
    if f.duplicate_key:
        first = json.dumps({"quantization_config": f.duplicate_key}, indent=2)
        text = first[:-2] + "," + text[1:]
    return text


def generation_json(f, bos, eos):
    config = {"bos_token_id": bos, "eos_token_id": eos_value(f, eos),
              "do_sample": True, "temperature": 0.6, "top_p": 0.9}
    if bos is None:
        del config["bos_token_id"]
    return json.dumps(config, indent=2) + "\n"
