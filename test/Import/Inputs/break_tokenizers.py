#!/usr/bin/env python3
"""Writes tokenizers with one flaw each, and reports what is said about them.

  break_tokenizers.py TOKENIZERS FOLDER   writes the files
  break_tokenizers.py --report FOLDER     runs bitnet-tokenize on each, in the
                                          order of CASES; fails if one is taken

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import subprocess
import sys

DEEP = "[" * 100000
# Name: (tokenizer to begin with, path to a value, new value), or raw bytes.
CASES = {
    "not-utf8": b'{"model": "\xff"}',
    "not-json": b'{"model": ',
    "deep": DEEP.encode(),
    "list": b"[]",
    "unigram": ("llama3", "model/type", "Unigram"),
    "wordpiece": ("llama3", "model/type", "WordPiece"),
    "no-model": ("llama3", "model", ...),
    "dropout": ("llama3", "model/dropout", 0.5),
    "prefix": ("llama3", "model/continuing_subword_prefix", "##"),
    "flag": ("llama3", "model/byte_fallback", "yes"),
    "unknown-token": ("llama3", "model/unk_token", "<none>"),
    "id": ("llama3", "model/vocab/!", -1),
    "id-twice": ("llama3", "model/vocab/new", 5),
    "merge-parts": ("llama3", "model/merges/1", "a b c"),
    "merge-token": ("llama3", "model/merges/0", ["qz", "j"]),
    "normalizer": ("llama3", "normalizer", {"type": "Lowercase"}),
    "replace-regex": ("llama3", "normalizer",
                      {"type": "Replace", "pattern": {"Regex": "a+"},
                       "content": ""}),
    "pre-tokenizer": ("llama3", "pre_tokenizer", {"type": "Whitespace"}),
    "regex": ("llama3", "pre_tokenizer/pretokenizers/0/pattern/Regex", r"\w+"),
    "behavior": ("llama3", "pre_tokenizer/pretokenizers/0/behavior",
                 "MergedWithNext"),
    "after-bytes": ("falcon", "pre_tokenizer/pretokenizers/2",
                    {"type": "Punctuation", "behavior": "Contiguous"}),
    "metaspace": ("llama2-metaspace", "pre_tokenizer/split", True),
    "decoder": ("llama3", "decoder", {"type": "WordPiece"}),
    "no-decoder": ("llama3", "decoder", None),
    "strip": ("llama2", "decoder/decoders/3/content", "_"),
    "post-processor": ("llama3", "post_processor", {"type": "BertProcessing"}),
    "template": ("llama3", "post_processor/special_tokens", {}),
    "added-id": ("llama3", "added_tokens/0/id", 77),
    "added-taken": ("llama3", "added_tokens/0",
                    {"id": 5, "content": "<other>", "special": True}),
    "vocab": ("llama3", "version", "1.0"),
}
OPTIONS = {"vocab": ["--vocab=100"]}


def change(tree, path, value):
    *parents, last = path.split("/")
    for key in parents:
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    if value is ...:
        del tree[last]
    else:
        tree[int(last) if isinstance(tree, list) else last] = value


def write(tokenizers, folder):
    folder.mkdir(parents=True)
    for name, case in CASES.items():
        if isinstance(case, tuple):
            base, path, value = case
            tree = json.loads((tokenizers / f"{base}.json").read_text())
            change(tree, path, value)
            case = json.dumps(tree).encode()
        (folder / f"{name}.json").write_bytes(case)
    whole = folder / "whole.bin"
    subprocess.run(["bitnet-tokenize", tokenizers / "gpt2.json", "--info",
                    f"--emit-blob={whole}"], check=True,
                   stdout=subprocess.DEVNULL)
    (folder / "damaged.bin").write_bytes(whole.read_bytes()[:-8])


def report(folder):
    for name in [*(f"{name}.json" for name in CASES), "damaged.bin"]:
        options = OPTIONS.get(pathlib.Path(name).stem, [])
        result = subprocess.run(
            ["bitnet-tokenize", folder / name, "--info", *options],
            capture_output=True, text=True)
        if result.returncode != 1:
            sys.exit(f"{name}: expected exit status 1, but got "
                     f"{result.returncode}\n{result.stderr}")
        print(result.stderr.replace(f"{folder}/", ""), end="")


if __name__ == "__main__":
    if sys.argv[1] == "--report":
        report(pathlib.Path(sys.argv[2]))
    else:
        write(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
