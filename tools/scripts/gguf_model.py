"""Writes a random ternary model of a given shape as GGUF, for compare-peers.

The file has llama.cpp's architecture `bitnet` (as its converter writes for
1bitLLM and BitNet b1.58 checkpoints): ternary matrices of -1, 0 and +1 with 40 %
zeros in TQ1_0 or TQ2_0, a token embedding in F16 that is also the head, norms
of ones in F32, and no vocabulary, because llama-bench draws token ids. The
weights are not those of any other file; only the shape is equal.

SPDX-License-Identifier: Apache-2.0
"""
import struct

import numpy

ALIGN = 32
BLOCK = 256
# Types of values and of tensors, as gguf.md and ggml.h number them.
U32, F32_VALUE, STRING = 4, 6, 8
TYPES = {"F32": 0, "F16": 1, "TQ1_0": 34, "TQ2_0": 35}
BLOCK_BYTES = {"TQ1_0": 54, "TQ2_0": 66}


def pack_tq2_0(weights):
    """Blocks of 256 weights as 64 bytes of 2-bit codes and a scale of 1: byte
    i of each half holds the weights i, i+32, i+64 and i+96."""
    codes = (weights + 1).astype(numpy.uint8).reshape(-1, 2, 4, 32)
    shifts = numpy.array([0, 2, 4, 6], numpy.uint8).reshape(1, 1, 4, 1)
    codes = numpy.bitwise_or.reduce(codes << shifts, axis=2).reshape(-1, 64)
    return with_scale(codes)


def pack_tq1_0(weights):
    """Blocks of 256 weights as 52 bytes of base 3 and a scale of 1: 32 and 16
    bytes of five weights, 4 bytes of four. A byte is the base-3 number scaled
    by 256/243 and rounded up, so that digits come out by multiplication."""
    trits = (weights + 1).astype(numpy.uint16).reshape(-1, BLOCK)
    parts = []
    for first, lanes, digits in (0, 32, 5), (160, 16, 5), (240, 4, 4):
        part = trits[:, first:first + lanes * digits]
        powers = numpy.array([81, 27, 9, 3, 1][:digits], numpy.uint16)
        parts.append((part.reshape(-1, digits, lanes) *
                      powers.reshape(1, digits, 1)).sum(axis=1))
    values = numpy.concatenate(parts, axis=1).astype(numpy.uint32)
    return with_scale(((values * 256 + 242) // 243).astype(numpy.uint8))


def with_scale(codes):
    one = numpy.frombuffer(numpy.float16(1).tobytes(), numpy.uint8)
    return numpy.concatenate([codes, numpy.tile(one, (len(codes), 1))], axis=1)


PACK = {"TQ1_0": pack_tq1_0, "TQ2_0": pack_tq2_0}


def random_ternary(generator, count):
    draws = generator.integers(0, 10, count, numpy.int8)
    return (draws < 3).astype(numpy.int8) - (draws > 6).astype(numpy.int8)


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def metadata(config):
    """Keys and values that llama.cpp wants of a `bitnet` model."""
    heads = config["num_attention_heads"]
    values = {
        "general.architecture": "bitnet",
        "general.name": config["name"],
        "bitnet.vocab_size": config["vocab_size"],
        "bitnet.context_length": config["max_position_embeddings"],
        "bitnet.embedding_length": config["hidden_size"],
        "bitnet.block_count": config["num_hidden_layers"],
        "bitnet.feed_forward_length": config["intermediate_size"],
        "bitnet.attention.head_count": heads,
        "bitnet.attention.head_count_kv":
            config.get("num_key_value_heads", heads),
        "bitnet.attention.layer_norm_rms_epsilon":
            float(config["rms_norm_eps"]),
        "bitnet.rope.freq_base": float(config.get("rope_theta", 1e4)),
        "bitnet.rope.scaling.type": "none",
        "tokenizer.ggml.model": "no_vocab",
    }
    out = b""
    for key, value in values.items():
        out += string(key)
        if isinstance(value, str):
            out += struct.pack("<I", STRING) + string(value)
        elif isinstance(value, float):
            out += struct.pack("<If", F32_VALUE, value)
        else:
            out += struct.pack("<II", U32, value)
    return len(values), out


def plan(config, ternary):
    """(name, type, rows, columns) of every tensor; vectors have no rows."""
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    keys = hidden // heads * config.get("num_key_value_heads", heads)
    tensors = [("token_embd.weight", "F16", config["vocab_size"], hidden),
               ("output_norm.weight", "F32", None, hidden)]
    for layer in range(config["num_hidden_layers"]):
        for name, rows, columns in (
                ("attn_norm", None, hidden), ("attn_sub_norm", None, hidden),
                ("attn_q", hidden, hidden), ("attn_k", keys, hidden),
                ("attn_v", keys, hidden), ("attn_output", hidden, hidden),
                ("ffn_norm", None, hidden), ("ffn_sub_norm", None, middle),
                ("ffn_gate", middle, hidden), ("ffn_up", middle, hidden),
                ("ffn_down", hidden, middle)):
            kind = ternary if rows else "F32"
            tensors.append((f"blk.{layer}.{name}.weight", kind, rows, columns))
    return tensors


def tensor_bytes(kind, rows, columns):
    count = (rows or 1) * columns
    if kind in BLOCK_BYTES:
        return count // BLOCK * BLOCK_BYTES[kind]
    return count * (2 if kind == "F16" else 4)


def write(path, config, ternary, seed=1):
    """Writes a model of the shape in `config` (as config.json names it)."""
    for key in ("hidden_size", "intermediate_size"):
        if config[key] % BLOCK:
            raise ValueError(f"{key}: expected a multiple of {BLOCK} for "
                             f"{ternary}, but got {config[key]}")
    generator = numpy.random.default_rng(seed)
    tensors = plan(config, ternary)
    count, values = metadata(config)
    header = struct.pack("<IIQQ", 0x46554747, 3, len(tensors), count) + values
    offset = 0
    for name, kind, rows, columns in tensors:
        sizes = [columns] + ([rows] if rows else [])
        header += string(name) + struct.pack("<I", len(sizes))
        header += struct.pack(f"<{len(sizes)}Q", *sizes)
        header += struct.pack("<IQ", TYPES[kind], offset)
        offset += -(-tensor_bytes(kind, rows, columns) // ALIGN) * ALIGN
    with open(path, "wb") as file:
        file.write(header)
        for name, kind, rows, columns in tensors:
            file.write(bytes(-file.tell() % ALIGN))
            if not rows:
                file.write(numpy.ones(columns, numpy.float32).tobytes())
                continue
            step = max(1, (1 << 24) // columns)
            for first in range(0, rows, step):
                part = min(step, rows - first) * columns
                if kind == "F16":
                    data = generator.standard_normal(part, numpy.float32)
                    file.write((0.02 * data).astype(numpy.float16).tobytes())
                else:
                    weights = random_ternary(generator, part)
                    file.write(PACK[kind](weights).tobytes())
        file.write(bytes(-file.tell() % ALIGN))
