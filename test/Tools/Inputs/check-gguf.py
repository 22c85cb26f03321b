"""Decodes a generated GGUF file with the formulas of the engines' own
dequantize_row_*, one weight at a time.

SPDX-License-Identifier: Apache-2.0
"""
import struct
import sys

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import gguf_model  # noqa: E402


def decode_tq1_0(data, columns):
    out = []
    for at in range(0, len(data), 54):
        block = data[at:at + 54]
        for first, lanes, digits in (0, 32, 5), (32, 16, 5), (48, 4, 4):
            for power in (1, 3, 9, 27, 81)[:digits]:
                out += [((block[first + i] * power & 255) * 3 >> 8) - 1
                        for i in range(lanes)]
        assert struct.unpack("<e", block[52:]) == (1,)
    return out


def decode_tq2_0(data, columns):
    out = []
    for at in range(0, len(data), 66):
        block = data[at:at + 66]
        for half in 0, 32:
            for shift in 0, 2, 4, 6:
                out += [(block[half + i] >> shift & 3) - 1 for i in range(32)]
        assert struct.unpack("<e", block[64:]) == (1,)
    return out


def decode_iq1_bn(data, columns):
    def digit(byte, power):
        value = byte * power & 255
        return ((value + (value >> 1)) >> 7) - 1

    out = []
    size = 2 + columns // 64 * 13
    for row in range(0, len(data), size):
        assert struct.unpack_from("<e", data, row) == (1,)
        for at in range(row + 2, row + size, 13):
            for group, last in enumerate((81, 27, 9, 3)):
                for byte in data[at + 3 * group:at + 3 * group + 3]:
                    out += [digit(byte, power) for power in (81, 27, 9, 3, 1)]
                out.append(digit(data[at + 12], last))
    return out


def decode_iq2_bn(data, columns):
    out = []
    size = 4 + columns // 64 * 16
    for row in range(0, len(data), size):
        assert struct.unpack_from("<f", data, row) == (1,)
        for at in range(row + 4, row + size, 16):
            for shift in 0, 2, 4, 6:
                out += [(data[at + i] >> shift & 3) - 1 for i in range(16)]
    return out


def decode_iq2_bn_r4(data, columns):
    out = []
    size = 16 + columns // 64 * 64
    for first in range(0, len(data), size):
        assert struct.unpack_from("<4f", data, first) == (1, 1, 1, 1)
        rows = [[0] * columns for _ in range(4)]
        for block in range(columns // 64):
            at = first + 16 + 64 * block
            for k in range(4):
                for part in range(4):
                    for i in range(4):
                        byte = data[at + 4 * k + i + 16 * part]
                        for j in range(4):
                            rows[k][64 * block + 16 * part + i + 4 * j] = \
                                (byte >> 2 * j & 3) - 1
        out += sum(rows, [])
    return out


def decode_i2_s(data, columns):
    out = []
    for at in range(0, len(data), 32):
        for shift in 6, 4, 2, 0:
            out += [(data[at + i] >> shift & 3) - 1 for i in range(32)]
    return out


def tensor(data, name, kind, rows, columns):
    """Bytes of a tensor, whose place the header tells."""
    magic, version, _, _ = struct.unpack_from("<4sIQQ", data)
    assert (magic, version) == (b"GGUF", 3), data[:24]
    at = data.index(name) + len(name)
    found = struct.unpack_from("<IQQIQ", data, at)
    assert found[:4] == (2, columns, rows, kind.number), (name, found)
    last = data.index(b"blk.1.ffn_down.weight") + len("blk.1.ffn_down.weight")
    start = -(-(last + 32) // 32) * 32 + found[4]
    return data[start:start + kind.size(rows, columns)]


config = {"name": "x", "model_type": "bitnet", "hidden_size": 256,
          "intermediate_size": 512, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300,
          "max_position_embeddings": 128, "rms_norm_eps": 1e-5}
llama = {**config, "model_type": "llama", "tie_word_embeddings": False}
path = sys.argv[2]
weights = gguf_model.random_ternary(numpy.random.default_rng(3), 8 * 512)
assert set(weights) == {-1, 0, 1} and 1300 < (weights == 0).sum() < 2000
trits = (weights + 1).astype(numpy.uint8).reshape(8, 512)
for name, kind in gguf_model.FORMATS.items():
    decode = globals()["decode_" + name.lower()]
    packed = kind.pack(trits).tobytes()
    assert len(packed) + len(kind.tail) == kind.size(8, 512), name
    assert decode(packed, 512) == list(weights), name
    for shape, tensors in (config, 2 + 2 * 11), (llama, 3 + 2 * 9):
        gguf_model.write(path, shape, name)
        with open(path, "rb") as file:
            data = file.read()
        assert struct.unpack_from("<Q", data, 8) == (tensors,)
        last = tensor(data, b"blk.1.ffn_down.weight", kind, 256, 512)
        assert data.endswith(last) and len(last) == kind.size(256, 512), name
        matrix = last[:len(last) - len(kind.tail)]
        assert set(decode(matrix, 512)) == {-1, 0, 1}, name
    head = tensor(data, b"output.weight", gguf_model.Q6_K, 300, 256)
    scales = struct.unpack_from("<16be", head, 192)
    assert -32 <= min(scales[:16]) and max(scales[:16]) < 32
    assert 6e-5 < scales[16] < 8e-5
gguf_model.write(path, {**config, "hidden_size": 320, "vocab_size": 64}, "I2_S")
with open(path, "rb") as file:
    tensor(file.read(), b"token_embd.weight", gguf_model.Q8_0, 64, 320)
try:
    gguf_model.write(path, {**config, "hidden_size": 320}, "TQ1_0")
except ValueError as error:
    assert "expected a multiple of 256" in str(error)
else:
    raise AssertionError("a row of 320 weights has no whole blocks")
