#!/usr/bin/env python3
"""Makes a tokenizer.json out of a vocabulary in another format.

Test helper: the vocabularies stay where they are, tests convert them into the
build folder. The result is what the Hugging Face hub has for the same model:

  *.gguf with tokenizer.ggml.model "gpt2"   byte-level BPE
  *.gguf with tokenizer.ggml.model "llama"  Llama-2 style BPE, merges by score
  *.model (lines "base64 rank")             tiktoken ranks, as Llama-3

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import base64
import json
import pathlib
import struct
import sys

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
# meta-llama/llama3 llama/tokenizer.py: the first of the 256 special tokens.
LLAMA3_SPECIALS = [
    "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>", "<|reserved_special_token_2|>",
    "<|reserved_special_token_3|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>",
] + [f"<|reserved_special_token_{i}|>" for i in range(5, 251)]
METASPACE = "\u2581"

# gguf-py constants.py, TokenType
CONTROL, USER_DEFINED, UNUSED, BYTE = 3, 4, 5, 6


def read_gguf(path):
    """The key-value pairs of a GGUF file (ggml docs/gguf.md)."""
    data = path.read_bytes()
    if data[:4] != b"GGUF":
        sys.exit(f"{path}: expected a GGUF file, but got {data[:4]!r}")
    at = 4
    formats = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f",
               7: "<?", 10: "<Q", 11: "<q", 12: "<d"}

    def number(code):
        nonlocal at
        (value,) = struct.unpack_from(code, data, at)
        at += struct.calcsize(code)
        return value

    def value(kind):
        nonlocal at
        if kind == 8:
            size = number("<Q")
            at += size
            return data[at - size:at].decode("utf-8", "surrogateescape")
        if kind == 9:
            inner, count = number("<I"), number("<Q")
            return [value(inner) for _ in range(count)]
        return number(formats[kind])

    number("<I")  # version
    number("<Q")  # tensors
    pairs = {}
    for _ in range(number("<Q")):
        key = value(8)
        pairs[key] = value(number("<I"))
    return pairs


def byte_alphabet():
    """openai/gpt-2 src/encoder.py, bytes_to_unicode."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD),
             *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in shown]
    return {**{byte: chr(byte) for byte in shown},
            **{byte: chr(0x100 + i) for i, byte in enumerate(rest)}}


def added(token, content, special=True, **options):
    return {"id": token, "content": content, "single_word": False,
            "lstrip": False, "rstrip": False, "normalized": False,
            "special": special, **options}


def byte_level(use_regex=True):
    return {"type": "ByteLevel", "add_prefix_space": False,
            "trim_offsets": True, "use_regex": use_regex}


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex},
            "behavior": "Isolated", "invert": False}


def sequence(key, *steps):
    return {"type": "Sequence", key: list(steps)}


def pre_tokenizer(name):
    if name == "llama-bpe":
        return sequence("pretokenizers", split(LLAMA3), byte_level(False))
    if name == "falcon":
        return sequence(
            "pretokenizers",
            {"type": "Punctuation", "behavior": "Contiguous"}, byte_level(),
            {"type": "Digits", "individual_digits": False},
            split("[0-9][0-9][0-9]"))
    if name in ("gpt-2", "default"):
        return byte_level()
    sys.exit(f"pre-tokenizer: expected llama-bpe, falcon or gpt-2, but got "
             f"{name}")


def template(bos, content):
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": content, "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [],
            "special_tokens": {
                content: {"id": content, "ids": [bos], "tokens": [content]}}}


def whole(**parts):
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None, **parts}


def bpe(vocab, merges, **options):
    return {"type": "BPE", "dropout": None, "unk_token": None,
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": merges, **options}


def from_ranks(path):
    """Each split of a token into two tokens is a merge, by the rank of the
    whole (transformers convert_slow_tokenizer.py, TikTokenConverter)."""
    ranks = {}
    for line in path.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    shown = byte_alphabet()
    name = {token: "".join(shown[b] for b in token) for token in ranks}
    merges = []
    for token, rank in ranks.items():
        pairs = [(token[:i], token[i:]) for i in range(1, len(token))
                 if token[:i] in ranks and token[i:] in ranks]
        pairs.sort(key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
        merges += [(rank, pair) for pair in pairs]
    merges.sort(key=lambda merge: merge[0])
    first = len(ranks)
    return whole(
        added_tokens=[added(first + i, content)
                      for i, content in enumerate(LLAMA3_SPECIALS)],
        pre_tokenizer=pre_tokenizer("llama-bpe"),
        post_processor=sequence("processors", byte_level(),
                                template(first, LLAMA3_SPECIALS[0])),
        decoder=byte_level(),
        model=bpe({name[token]: rank for token, rank in ranks.items()},
                  [f"{name[a]} {name[b]}" for _, (a, b) in merges],
                  ignore_merges=True))


def from_gguf_bytes(pairs):
    tokens = pairs["tokenizer.ggml.tokens"]
    types = pairs.get("tokenizer.ggml.token_type") or [1] * len(tokens)
    shown = set(byte_alphabet().values())
    specials = [added(i, token, types[i] == CONTROL)
                for i, token in enumerate(tokens)
                if types[i] in (CONTROL, USER_DEFINED)
                or not set(token) <= shown]
    return whole(
        added_tokens=specials,
        pre_tokenizer=pre_tokenizer(pairs.get("tokenizer.ggml.pre",
                                              "default")),
        post_processor=byte_level(), decoder=byte_level(),
        model=bpe({token: i for i, token in enumerate(tokens)},
                  pairs["tokenizer.ggml.merges"]))


def from_gguf_scores(pairs):
    """transformers convert_slow_tokenizer.py, generate_merges."""
    tokens = pairs["tokenizer.ggml.tokens"]
    scores = pairs["tokenizer.ggml.scores"]
    types = pairs["tokenizer.ggml.token_type"]
    vocab = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, i in vocab.items():
        if types[i] != 1:
            continue
        splits = [(token[:k], token[k:]) for k in range(1, len(token))
                  if token[:k] in vocab and token[k:] in vocab]
        splits.sort(key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))
        merges += [(*pair, scores[i]) for pair in splits]
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    bos = pairs["tokenizer.ggml.bos_token_id"]
    unknown = pairs["tokenizer.ggml.unknown_token_id"]
    replace = {"type": "Replace", "pattern": {"String": " "},
               "content": METASPACE}
    return whole(
        added_tokens=[added(i, token, types[i] != USER_DEFINED)
                      for i, token in enumerate(tokens)
                      if types[i] not in (1, BYTE, UNUSED)],
        normalizer=sequence("normalizers",
                            {"type": "Prepend", "prepend": METASPACE},
                            replace),
        post_processor=template(bos, tokens[bos]),
        decoder=sequence(
            "decoders",
            {"type": "Replace", "pattern": {"String": METASPACE},
             "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
        # Both spellings of merges are in use; this file takes the newer one.
        model=bpe(vocab, [[a, b] for a, b, _ in merges],
                  unk_token=tokens[unknown], fuse_unk=True,
                  byte_fallback=True))


def convert(path):
    if path.suffix == ".model":
        return from_ranks(path)
    pairs = read_gguf(path)
    kind = pairs.get("tokenizer.ggml.model")
    if kind == "gpt2":
        return from_gguf_bytes(pairs)
    if kind == "llama":
        return from_gguf_scores(pairs)
    sys.exit(f"{path}: tokenizer.ggml.model: expected gpt2 or llama, but got "
             f"{kind}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabulary", type=pathlib.Path)
    parser.add_argument("-o", dest="output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.output.write_text(json.dumps(convert(options.vocabulary)))
