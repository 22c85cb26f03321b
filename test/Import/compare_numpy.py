#!/usr/bin/python3
"""Compares what the importer reads with numpy's reading of the same files.

Usage: compare_numpy.py CHECKPOINT BITNET_INSPECT

Reads every projection of the checkpoint's safetensors files as transformers'
integrations/bitnet.py does (unpack_weights, or WeightQuant of the masters in
float32), and compares the ternary values and the scale with
`bitnet-inspect --dump`, without tolerance except for the last bits of a mean.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import struct
import subprocess
import sys

import numpy as np

DTYPES = {"U8": np.uint8, "F16": np.float16, "F32": np.float32}
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
               "down_proj")


def read_tensors(directory):
    tensors = {}
    for path in glob.glob(os.path.join(directory, "*.safetensors")):
        with open(path, "rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(size))
            data = file.read()
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            raw = data[begin:end]
            if entry["dtype"] == "BF16":
                wide = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
                values = wide.view(np.float32)
            else:
                values = np.frombuffer(raw, DTYPES[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def unpack_weights(packed, rows):
    quarters = [(packed >> (2 * i)) & 3 for i in range(4)]
    return np.concatenate(quarters)[:rows].astype(np.int8) - 1


def weight_quant(weight):
    weight = weight.astype(np.float32)
    mean = np.float32(np.abs(weight).mean(dtype=np.float64))
    scale = np.float32(1) / max(mean, np.float32(1e-5))
    ternary = np.clip(np.round(weight * scale), -1, 1)
    return ternary.astype(np.int8), np.float32(1) / scale


def get_rows(config, name):
    head_dim = config.get("head_dim") or (
        config["hidden_size"] // config["num_attention_heads"])
    kv_heads = config.get("num_key_value_heads",
                          config["num_attention_heads"])
    return {"q_proj": config["num_attention_heads"] * head_dim,
            "k_proj": kv_heads * head_dim, "v_proj": kv_heads * head_dim,
            "gate_proj": config["intermediate_size"],
            "up_proj": config["intermediate_size"],
            }.get(name.split(".")[-2], config["hidden_size"])


def main():
    directory, tool = sys.argv[1:]
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    linear = config.get("quantization_config", {}).get("linear_class",
                                                       "bitlinear")
    tensors = read_tensors(directory)
    compared = 0
    for name, tensor in sorted(tensors.items()):
        parts = name.split(".")
        if parts[-1] != "weight" or parts[-2] not in PROJECTIONS:
            continue
        if tensor.dtype == np.uint8:
            ternary = unpack_weights(tensor, get_rows(config, name))
            scale = tensors[name + "_scale"].astype(np.float32).item()
            if linear == "bitlinear":
                scale = np.float32(1) / np.float32(scale)
        else:
            ternary, scale = weight_quant(tensor)
        result = subprocess.run([tool, "--dump=" + name, directory],
                                capture_output=True, text=True, check=True)
        lines = result.stdout.split("\n")
        if not np.isclose(float(lines[0]), float(scale), rtol=3e-7, atol=0):
            sys.exit(f"{name}: expected scale {scale}, but got {lines[0]}")
        got = [["-0+".index(c) - 1 for c in line] for line in lines[1:-1]]
        if not np.array_equal(np.array(got), ternary):
            sys.exit(f"{name}: ternary values differ")
        compared += 1
    if compared != 7 * config["num_hidden_layers"]:
        sys.exit(f"expected {7 * config['num_hidden_layers']} matrices, but "
                 f"compared {compared}")
    print(f"{compared} matrices agree")


if __name__ == "__main__":
    main()
