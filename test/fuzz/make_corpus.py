#!/usr/bin/python3
"""Writes the seed inputs of the fuzzers: small files of every kind.

Usage: make_corpus.py OUTPUT_DIRECTORY

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import struct
import sys


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
         "num_attention_heads": 4, "vocab_size": 300}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}


def config(architecture, **more):
    return json.dumps({"architectures": [architecture], **SHAPE, **more})


SAFETENSORS = {
    "empty": safetensors({}),
    "two": safetensors({"__metadata__": {"format": "pt"},
                        "a": tensor("F16", [2, 2], 0, 8),
                        "b": tensor("U8", [3], 8, 11)}, bytes(range(11))),
    "types": safetensors({"a": tensor("BF16", [2], 0, 4),
                          "b": tensor("F32", [1, 1], 4, 8),
                          "c": tensor("I64", [], 8, 16),
                          "d": tensor("F4", [2], 16, 17)}, bytes(17)),
    "overflow": safetensors({"a": tensor("F32", [2**62, 4], 0, 0)}),
    "deep": safetensors(b'{"a":' + b"[" * 65),
}
JSON = {
    "ms": "0" + config("BitNetForCausalLM", tie_word_embeddings=True,
                       quantization_config={"quant_method": "bitnet",
                                            "linear_class": "autobitlinear",
                                            "quantization_mode": "online"}),
    "1bitllm": "0" + config("BitnetForCausalLM", weight_bits=1, input_bits=8),
    "llama": "0" + config("LlamaForCausalLM", head_dim=32, rope_scaling=LLAMA3,
                          eos_token_id=[1, 2], bos_token_id=0,
                          quantization_config={
                              "quant_method": "bitnet",
                              "use_rms_norm": True, "rms_norm_eps": 1e-5,
                              "modules_to_not_convert": ["lm_head"]}),
    "five": "0" + config("LlamaForCausalLM", rope_parameters={
        "rope_theta": 1e6, "type": "linear", "factor": 2}),
    "generation": "1" + json.dumps({"eos_token_id": [2, 3], "bos_token_id": 1}),
    "index": "2" + json.dumps({"metadata": {"total_size": 1},
                               "weight_map": {"a": "x.safetensors"}}),
}

for folder, files in (("safetensors", SAFETENSORS), ("config", JSON)):
    path = os.path.join(sys.argv[1], folder)
    os.makedirs(path, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(path, name), "wb") as file:
            file.write(content if isinstance(content, bytes)
                       else content.encode())
