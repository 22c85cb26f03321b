"""Decodes a generated GGUF file with the formulas of llama.cpp's
dequantize_row_tq1_0 and _tq2_0, one weight at a time.

SPDX-License-Identifier: Apache-2.0
"""
import struct
import sys

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import gguf_model  # noqa: E402


def decode_tq1_0(block):
    out = []
    for first, lanes, digits in (0, 32, 5), (32, 16, 5), (48, 4, 4):
        for power in (1, 3, 9, 27, 81)[:digits]:
            out += [((block[first + i] * power & 255) * 3 >> 8) - 1
                    for i in range(lanes)]
    return out, block[52:54]


def decode_tq2_0(block):
    out = []
    for half in 0, 32:
        for shift in 0, 2, 4, 6:
            out += [(block[half + i] >> shift & 3) - 1 for i in range(32)]
    return out, block[64:66]


config = {"name": "x", "hidden_size": 256, "intermediate_size": 512,
          "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "vocab_size": 300,
          "max_position_embeddings": 128, "rms_norm_eps": 1e-5}
weights = gguf_model.random_ternary(numpy.random.default_rng(3), 4 * 256)
assert set(weights) == {-1, 0, 1} and 300 < (weights == 0).sum() < 520
for kind, decode in ("TQ1_0", decode_tq1_0), ("TQ2_0", decode_tq2_0):
    packed = gguf_model.PACK[kind](weights)
    for block, expected in zip(packed, weights.reshape(-1, 256)):
        values, scale = decode([int(byte) for byte in block])
        assert values == list(expected), kind
        assert struct.unpack("<e", bytes(scale)) == (1.0,), kind
    gguf_model.write(sys.argv[2], config, kind)
    with open(sys.argv[2], "rb") as file:
        data = file.read()
    magic, version, tensors, _ = struct.unpack_from("<4sIQQ", data)
    assert (magic, version, tensors) == (b"GGUF", 3, 2 + 2 * 11), data[:24]
    # The data fill the rest of the file exactly: the last tensor's offset is
    # right if all sizes before it are.
    name = b"blk.1.ffn_down.weight"
    at = data.index(name) + len(name)
    dims, columns, rows, number, offset = struct.unpack_from("<IQQIQ", data, at)
    assert (dims, columns, rows) == (2, 512, 256)
    assert number == gguf_model.TYPES[kind]
    start = -(-(at + 32) // 32) * 32
    size = 256 * 512 // 256 * gguf_model.BLOCK_BYTES[kind]
    assert start + offset + size == len(data), (start, offset, len(data))
    values, _ = decode(list(data[start + offset:][:len(packed[0])]))
    assert set(values) == {-1, 0, 1}
try:
    gguf_model.write(sys.argv[2], {**config, "hidden_size": 320}, "TQ1_0")
except ValueError as error:
    assert "expected a multiple of 256" in str(error)
else:
    raise AssertionError("a row of 320 weights has no whole blocks")
