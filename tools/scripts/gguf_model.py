"""Writes a random ternary model of a given shape as GGUF, for compare-peers.

The file has llama.cpp's architecture `bitnet` (as its converter writes for
1bitLLM and BitNet b1.58 checkpoints), or `llama` for a shape without sub-norms:
ternary matrices of -1, 0 and +1 with 40 % zeros in one of llama.cpp's,
ik_llama.cpp's or bitnet.cpp's formats, embedding and head in Q6_K (in Q8_0 if a
row is no multiple of its blocks), norms of ones in F32, and no vocabulary,
because llama-bench draws token ids. The weights are not those of any other
file; only the shape is equal.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import struct
import typing

import numpy

ALIGN = 32
# Types of values in GGUF's metadata, as gguf.md numbers them.
U32, F32_VALUE, STRING = 4, 6, 8
F32 = 0  # number of the tensor type


def merge(codes, bits):
    """Codes of shape (.., parts, lanes) as bytes: part 0 in the lowest bits."""
    shifts = bits * numpy.arange(codes.shape[-2], dtype=numpy.uint8)
    return numpy.bitwise_or.reduce(codes << shifts[:, None], axis=-2)


def digits(trits, powers):
    """Trits of shape (.., digits, lanes) as bytes of base 3, scaled by 256/243
    and rounded up, so that digits come out by multiplication."""
    weights = numpy.array(powers, numpy.uint32)[:, None]
    return ((trits * weights).sum(axis=-2) * 256 + 242) // 243


def scaled(blocks, scale):
    """Bytes `scale` after each block."""
    tail = numpy.frombuffer(scale, numpy.uint8)
    return numpy.concatenate(
        [blocks, numpy.broadcast_to(tail, (len(blocks), len(tail)))], axis=1)


def pack_tq2_0(trits):
    """64 bytes of 2-bit codes and an f16 scale of 1: byte i of each half holds
    the weights i, i+32, i+64 and i+96."""
    codes = merge(trits.reshape(-1, 2, 4, 32), 2).reshape(-1, 64)
    return scaled(codes, struct.pack("<e", 1))


def pack_tq1_0(trits):
    """52 bytes of base 3 and an f16 scale of 1: 32 and 16 bytes of five
    weights, 4 bytes of four."""
    trits = trits.reshape(-1, 256)
    parts = [digits(trits[:, first:first + lanes * count]
                    .reshape(-1, count, lanes), [81, 27, 9, 3, 1][:count])
             for first, lanes, count in ((0, 32, 5), (160, 16, 5), (240, 4, 4))]
    codes = numpy.concatenate(parts, axis=1).astype(numpy.uint8)
    return scaled(codes, struct.pack("<e", 1))


def pack_iq1_bn(trits):
    """Rows of an f16 scale of 1 and blocks of 13 bytes: three bytes of five
    weights for the first 15 of each 16, and one of the four that are left."""
    groups = trits.reshape(len(trits), -1, 4, 16)
    fives = digits(groups[..., :15].reshape(*groups.shape[:3], 3, 5)
                   .swapaxes(-1, -2), [1, 3, 9, 27, 81])
    last = digits(groups[..., 15:], [1, 3, 9, 27])
    codes = numpy.concatenate(
        [fives.reshape(*groups.shape[:2], 12), last], axis=-1)
    one = numpy.frombuffer(struct.pack("<e", 1), numpy.uint8)
    return numpy.concatenate(
        [numpy.tile(one, (len(trits), 1)),
         codes.astype(numpy.uint8).reshape(len(trits), -1)], axis=1)


def pack_iq2_bn(trits):
    """Rows of an f32 scale of 1 and blocks of 16 bytes: byte i holds the
    weights i, i+16, i+32 and i+48."""
    codes = merge(trits.reshape(len(trits), -1, 4, 16), 2)
    one = numpy.frombuffer(struct.pack("<f", 1), numpy.uint8)
    return numpy.concatenate([numpy.tile(one, (len(trits), 1)),
                              codes.reshape(len(trits), -1)], axis=1)


def pack_iq2_bn_r4(trits):
    """Four rows at a time: their f32 scales of 1, then blocks of 64 bytes. Byte
    16 l + 4 r + i holds the weights 16 l + i + (0, 4, 8, 12) of row r."""
    # Four rows, r, block, l, part, i becomes four rows, block, l, r, i.
    rows = trits.reshape(len(trits) // 4, 4, -1, 4, 4, 4)
    codes = merge(rows.transpose(0, 2, 3, 1, 4, 5), 2)
    ones = numpy.frombuffer(struct.pack("<4f", 1, 1, 1, 1), numpy.uint8)
    return numpy.concatenate([numpy.tile(ones, (len(codes), 1)),
                              codes.reshape(len(codes), -1)], axis=1)


def pack_i2_s(trits):
    """Blocks of 32 bytes over all rows: byte i holds the weights i, i+32, i+64
    and i+96, the first in the highest bits. The matrix's scale comes last."""
    return merge(trits.reshape(-1, 4, 32)[:, ::-1], 2)


@dataclasses.dataclass
class Ternary:
    """A format of ternary matrices."""
    number: int  # of the tensor type, in the engine that has it
    block: int  # a row's weights are a multiple of this
    block_bytes: int
    pack: typing.Callable  # of trits 0, 1, 2 of shape (rows, columns)
    row_bytes: int = 0  # before the blocks of a row
    tail: bytes = b""  # after the matrix

    def size(self, rows, columns):
        return rows * (self.row_bytes + columns // self.block *
                       self.block_bytes) + len(self.tail)


FORMATS = {
    "TQ1_0": Ternary(34, 256, 54, pack_tq1_0),
    "TQ2_0": Ternary(35, 256, 66, pack_tq2_0),
    "IQ1_BN": Ternary(134, 64, 13, pack_iq1_bn, row_bytes=2),
    "IQ2_BN": Ternary(135, 64, 16, pack_iq2_bn, row_bytes=4),
    "IQ2_BN_R4": Ternary(335, 64, 16, pack_iq2_bn_r4, row_bytes=4),
    # Its blocks may straddle rows.
    "I2_S": Ternary(36, 4, 1, pack_i2_s,
                    tail=struct.pack("<f", 1) + bytes(28)),
}


def random_ternary(generator, count):
    draws = generator.integers(0, 10, count, numpy.int8)
    return (draws < 3).astype(numpy.int8) - (draws > 6).astype(numpy.int8)


def random_q6_k(generator, count):
    """Blocks of 256: 192 bytes of 6-bit codes, 16 scales, an f16 scale."""
    blocks = generator.integers(0, 256, (count // 256, 208), numpy.uint8)
    blocks[:, 192:] = blocks[:, 192:] // 4 + 224  # scales of -32 to 31
    return scaled(blocks, struct.pack("<e", 7e-5))


def random_q8_0(generator, count):
    """Blocks of 32: an f16 scale and 8-bit codes."""
    codes = generator.integers(0, 256, (count // 32, 32), numpy.uint8)
    scale = numpy.frombuffer(struct.pack("<e", 2.7e-4), numpy.uint8)
    return numpy.concatenate(
        [numpy.tile(scale, (len(codes), 1)), codes], axis=1)


@dataclasses.dataclass
class Dense:
    """A format of the embedding and the head."""
    number: int
    block: int
    block_bytes: int
    random: typing.Callable  # of a generator and a number of weights

    def size(self, rows, columns):
        return rows * columns // self.block * self.block_bytes


Q6_K = Dense(14, 256, 210, random_q6_k)
Q8_0 = Dense(8, 32, 34, random_q8_0)


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def has_sub_norms(config):
    return config["model_type"] != "llama"


def metadata(config):
    """Keys and values that llama.cpp and its kin want of the model."""
    heads = config["num_attention_heads"]
    kind = "bitnet" if has_sub_norms(config) else "llama"
    values = {
        "general.architecture": kind,
        "general.name": config["name"],
        f"{kind}.vocab_size": config["vocab_size"],
        f"{kind}.context_length": config["max_position_embeddings"],
        f"{kind}.embedding_length": config["hidden_size"],
        f"{kind}.block_count": config["num_hidden_layers"],
        f"{kind}.feed_forward_length": config["intermediate_size"],
        f"{kind}.attention.head_count": heads,
        f"{kind}.attention.head_count_kv":
            config.get("num_key_value_heads", heads),
        f"{kind}.attention.layer_norm_rms_epsilon":
            float(config["rms_norm_eps"]),
        f"{kind}.rope.freq_base": float(config.get("rope_theta", 1e4)),
        f"{kind}.rope.scaling.type": "none",
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
    """(name, format, rows, columns) of every tensor; norms are vectors of F32,
    which have neither a format nor rows."""
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    keys = hidden // heads * config.get("num_key_value_heads", heads)
    dense = Q8_0 if hidden % Q6_K.block else Q6_K
    tensors = [("token_embd", dense, config["vocab_size"], hidden),
               ("output_norm", None, None, hidden)]
    if not config.get("tie_word_embeddings", True):
        tensors.append(("output", dense, config["vocab_size"], hidden))
    for layer in range(config["num_hidden_layers"]):
        sub_norms = (("attn_sub_norm", None, None, hidden),
                     ("ffn_sub_norm", None, None, middle))
        for name, *rest in (
                *(sub_norms if has_sub_norms(config) else ()),
                ("attn_norm", None, None, hidden),
                ("ffn_norm", None, None, hidden),
                ("attn_q", ternary, hidden, hidden),
                ("attn_k", ternary, keys, hidden),
                ("attn_v", ternary, keys, hidden),
                ("attn_output", ternary, hidden, hidden),
                ("ffn_gate", ternary, middle, hidden),
                ("ffn_up", ternary, middle, hidden),
                ("ffn_down", ternary, hidden, middle)):
            tensors.append((f"blk.{layer}.{name}", *rest))
    return tensors


def random_rows(generator, kind, rows, columns):
    """Bytes of random rows in a format."""
    if isinstance(kind, Dense):
        return kind.random(generator, rows * columns).tobytes()
    trits = random_ternary(generator, rows * columns) + 1
    return kind.pack(trits.astype(numpy.uint8).reshape(rows, columns)).tobytes()


def write_tensor(file, generator, drawn, kind, rows, columns):
    """`drawn` has the rows of earlier matrices: drawing each anew would take
    minutes, and nothing that is measured depends on it."""
    if not kind:
        file.write(numpy.ones(columns, numpy.float32).tobytes())
        return
    # Some formats take four rows, or all rows as one.
    step = max(4, (1 << 22) // columns // 4 * 4)
    for first in range(0, rows, step):
        part = min(step, rows - first)
        key = kind.number, part, columns
        if key not in drawn:
            drawn[key] = random_rows(generator, kind, part, columns)
        file.write(drawn[key])
    if isinstance(kind, Ternary):
        file.write(kind.tail)


def write(path, config, name, seed=1):
    """Writes a model of the shape in `config` (as config.json names it) in the
    format `name` of FORMATS."""
    ternary = FORMATS[name]
    for key in ("hidden_size", "intermediate_size"):
        if config[key] % ternary.block:
            raise ValueError(f"{key}: expected a multiple of {ternary.block} "
                             f"for {name}, but got {config[key]}")
    generator = numpy.random.default_rng(seed)
    tensors = plan(config, ternary)
    count, values = metadata(config)
    header = struct.pack("<IIQQ", 0x46554747, 3, len(tensors), count) + values
    offset = 0
    for tensor, kind, rows, columns in tensors:
        sizes = [columns] + ([rows] if rows else [])
        header += string(tensor + ".weight") + struct.pack("<I", len(sizes))
        header += struct.pack(f"<{len(sizes)}Q", *sizes)
        header += struct.pack("<IQ", kind.number if kind else F32, offset)
        size = kind.size(rows, columns) if kind else 4 * columns
        offset += -(-size // ALIGN) * ALIGN
    drawn = {}
    with open(path, "wb") as file:
        file.write(header)
        for _, kind, rows, columns in tensors:
            file.write(bytes(-file.tell() % ALIGN))
            write_tensor(file, generator, drawn, kind, rows, columns)
        file.write(bytes(-file.tell() % ALIGN))
