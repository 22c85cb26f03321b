#!/usr/bin/python3
"""Makes one damaged copy of a checkpoint per way in which it can be damaged,
and checks that bitnet-inspect refuses it with one error that says what is
wrong.

Usage: corrupt.py CHECKPOINT BITNET_INSPECT WORK_DIRECTORY

CHECKPOINT is one that `bitnet-gen --family=bitnet` made. It must be accepted;
each copy must exit with 1, print exactly one line on stderr, and that line
must name the damaged file and contain the expected text.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import struct
import subprocess
import sys

LAYER = "model.layers.0."
Q = LAYER + "self_attn.q_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


class Weights:
    """model.safetensors in memory: header and data, changed independently."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "model.safetensors")
        with open(self.path, "rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            self.header = json.loads(file.read(size))
            self.data = bytearray(file.read())

    def save(self):
        text = json.dumps(self.header).encode()
        with open(self.path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + self.data)

    def begin(self, name):
        return self.header[name]["data_offsets"][0]

    def remove(self, name):
        """Takes the tensor out of header and data."""
        begin, end = self.header.pop(name)["data_offsets"]
        del self.data[begin:end]
        for key, entry in self.header.items():
            if key != "__metadata__" and entry["data_offsets"][0] >= end:
                entry["data_offsets"] = [
                    offset - (end - begin) for offset in entry["data_offsets"]
                ]

    def add(self, name, dtype, shape, data):
        offset = len(self.data)
        self.header[name] = {"dtype": dtype, "shape": shape,
                             "data_offsets": [offset, offset + len(data)]}
        self.data += data


CASES = []


def case(file, message):
    """A function that damages the copy in the directory that it is given."""
    def register(function):
        CASES.append((function.__name__, file, message, function))
        return function
    return register


def weights_case(name, message, change):
    def damage(directory):
        weights = Weights(directory)
        change(weights)
        weights.save()
    CASES.append((name, "model.safetensors", message, damage))


def config_case(name, message, change):
    def damage(directory):
        path = os.path.join(directory, "config.json")
        with open(path) as file:
            config = json.load(file)
        change(config)
        with open(path, "w") as file:
            json.dump(config, file)
    CASES.append((name, "config.json", message, damage))


def rewrite(directory, name, change):
    path = os.path.join(directory, name)
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(change(content))


# The file as a whole.
@case("model.safetensors", "the file is truncated or damaged")
def truncated_data(directory):
    rewrite(directory, "model.safetensors", lambda content: content[:-1])


@case("model.safetensors", "the file is truncated")
def truncated_header(directory):
    rewrite(directory, "model.safetensors", lambda content: content[:100])


@case("model.safetensors", "the file is empty")
def empty(directory):
    rewrite(directory, "model.safetensors", lambda content: b"")


@case("model.safetensors", "but the file goes on to")
def trailing_bytes(directory):
    rewrite(directory, "model.safetensors", lambda content: content + b"x")


@case("model.safetensors", "expected a header of at most 100000000 bytes")
def huge_header(directory):
    rewrite(directory, "model.safetensors",
            lambda content: b"\xff" * 8 + content[8:])


@case("model.safetensors", "header: broken JSON")
def broken_header(directory):
    rewrite(directory, "model.safetensors",
            lambda content: content[:8] + b"!" + content[9:])


@case("model.safetensors", "nested deeper than 64 levels")
def deep_header(directory):
    rewrite(directory, "model.safetensors",
            lambda content: struct.pack("<Q", 10**6) + b"[" * 10**6)


# Lies of the header.
def move(weights, name, by):
    weights.header[name]["data_offsets"] = [
        offset + by for offset in weights.header[name]["data_offsets"]
    ]


weights_case("overlap", "they overlap", lambda w: move(w, Q, -2))
weights_case("past_the_end", "but the file has only",
             lambda w: move(w, "model.norm.weight", 2))
weights_case("negative_offset", "expected 'data_offsets'",
             lambda w: w.header[Q].update(data_offsets=[-2, 100]))
weights_case("hole", "there is a hole", lambda w: w.header.pop(Q))
weights_case("overflow", "overflows 64 bits",
             lambda w: w.header[Q].update(shape=[2**62, 2**62]))
weights_case("wrong_span", "bytes, but data_offsets span",
             lambda w: w.header[Q].update(shape=[1, 1]))
weights_case("unknown_dtype", "unknown dtype 'Q2'",
             lambda w: w.header[Q].update(dtype="Q2"))

# Tensors.
weights_case("missing_tensor", f"tensor '{Q}' is missing",
             lambda w: w.remove(Q))
weights_case("missing_scale", f"tensor '{Q}_scale' is missing",
             lambda w: w.remove(Q + "_scale"))
weights_case("missing_sub_norm",
             f"tensor '{LAYER}self_attn.attn_sub_norm.weight' is missing",
             lambda w: w.remove(LAYER + "self_attn.attn_sub_norm.weight"))
weights_case("extra_tensor", "is not part of the model",
             lambda w: w.add(LAYER + "self_attn.q_proj.bias", "BF16", [1],
                             b"\0\0"))
weights_case("other_tied_head", "differs from the embedding",
             lambda w: w.add("lm_head.weight", "BF16",
                             w.header[EMBEDDING]["shape"],
                             bytes(w.header[EMBEDDING]["data_offsets"][1])))
weights_case("swapped_shape", f"tensor '{Q}': expected U8",
             lambda w: w.header[Q]["shape"].reverse())
weights_case("wrong_dtype", f"tensor '{Q}': expected U8",
             lambda w: w.header[Q].update(dtype="I8"))


def set_code_3(weights):
    weights.data[weights.begin(Q)] |= 3


def set_nan(weights, name):
    begin = weights.begin(name)
    weights.data[begin:begin + 2] = b"\xc0\x7f"


weights_case("code_3", f"tensor '{Q}': illegal code 3 at row 0, column 0",
             set_code_3)
weights_case("nan_scale",
             f"tensor '{Q}_scale': expected a finite number above 0, but got "
             "nan", lambda w: set_nan(w, Q + "_scale"))
weights_case("nan_norm", "expected finite numbers, but got NaN or infinity",
             lambda w: set_nan(w, "model.norm.weight"))


# config.json.
@case("config.json", "broken JSON")
def broken_config(directory):
    rewrite(directory, "config.json", lambda content: content[:-3])


@case("generation_config.json", "broken JSON")
def broken_generation_config(directory):
    rewrite(directory, "generation_config.json", lambda content: b"{")


@case("", "'config.json' is missing")
def no_config(directory):
    os.remove(os.path.join(directory, "config.json"))


@case("", "only PyTorch .bin files")
def pickle_only(directory):
    os.rename(os.path.join(directory, "model.safetensors"),
              os.path.join(directory, "pytorch_model.bin"))


config_case("architecture", "'Gemma3ForCausalLM'; this architecture is not "
            "supported",
            lambda c: c.update(architectures=["Gemma3ForCausalLM"]))
config_case("activation", "'hidden_act': expected",
            lambda c: c.update(hidden_act="swiglu"))
config_case("rope_type", "this RoPE type is not supported",
            lambda c: c.update(rope_scaling={"type": "yarn", "factor": 4}))
config_case("quant_method", "expected 'bitnet', but got 'gptq'",
            lambda c: c["quantization_config"].update(quant_method="gptq"))
config_case("bias", "'attention_bias': expected false",
            lambda c: c.update(attention_bias=True))
config_case("no_hidden_size", "'hidden_size': is missing",
            lambda c: c.pop("hidden_size"))
config_case("string_size", "expected an integer, but got \"64\"",
            lambda c: c.update(hidden_size="64"))


def config_only(name, file, message, change):
    config_case(name, message, change)
    CASES[-1] = (name, file) + CASES[-1][2:]


config_only("other_vocab", "model.safetensors",
            f"tensor '{EMBEDDING}': expected F32, F16 or BF16 [9999,",
            lambda c: c.update(vocab_size=9999, eos_token_id=1,
                               bos_token_id=1))
config_only("more_layers", "model.safetensors",
            "tensor 'model.layers.2.input_layernorm.weight' is missing",
            lambda c: c.update(num_hidden_layers=3))
config_only("fewer_layers", "model.safetensors", "is not part of the model",
            lambda c: c.update(num_hidden_layers=1))
config_only("online", "model.safetensors",
            "expected floating-point masters, but got packed U8",
            lambda c: c["quantization_config"].update(
                quantization_mode="online"))
config_only("no_quantization_config", "model.safetensors",
            "has packed weights, but config.json has no quantization_config",
            lambda c: c.pop("quantization_config"))
config_only("untied", "model.safetensors",
            "tensor 'lm_head.weight' is missing",
            lambda c: c.update(tie_word_embeddings=False))


def inspect(tool, directory):
    return subprocess.run([tool, directory], capture_output=True, text=True,
                          timeout=60)


def main():
    source, tool, work = sys.argv[1:]
    result = inspect(tool, source)
    if result.returncode != 0:
        sys.exit(f"the undamaged checkpoint is refused: {result.stderr}")
    failures = 0
    for name, file, message, damage in CASES:
        directory = os.path.join(work, name)
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(source, directory)
        damage(directory)
        result = inspect(tool, directory)
        lines = result.stderr.splitlines()
        start = "bitnet-inspect: error: " + os.path.join(directory, file)
        if (result.returncode == 1 and len(lines) == 1
                and lines[0].startswith(start.rstrip("/"))
                and message in lines[0]):
            shutil.rmtree(directory)
            continue
        failures += 1
        print(f"{name}: expected exit code 1 and '{start} ... {message}', but "
              f"got {result.returncode} and '{result.stderr}'")
    print(f"{len(CASES)} damaged checkpoints, {failures} not refused as they "
          "should be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
