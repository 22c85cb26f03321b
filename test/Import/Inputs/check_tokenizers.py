#!/usr/bin/env python3
"""Compares bitnet-tokenize with recorded ids: token for token, byte for byte.

  check_tokenizers.py small      the small tokenizers committed beside this file
  check_tokenizers.py reference  real vocabularies with the ids that llama.cpp
                                 recorded from Hugging Face; they are not part
                                 of this repository: BITNETC_REFERENCE, or
                                 shared/reference beside the source tree

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import make_tokenizer_json

HERE = pathlib.Path(__file__).parent
SEPARATOR = "\n__ggml_vocab_test__\n"  # of the .inp files
# Name of the recorded ids in the reference folder, and the vocabulary's file.
REFERENCE = [
    ("llama-bpe", "llama3-tokenizer.model"),
    ("llama-spm", "ggml-vocab-llama-spm.gguf"),
    ("gpt-2", "ggml-vocab-gpt-2.gguf"),
    ("falcon", "ggml-vocab-falcon.gguf"),
    ("phi-3", "ggml-vocab-phi-3.gguf"),
    ("qwen2", "ggml-vocab-qwen2.gguf"),
    ("qwen35", "ggml-vocab-qwen35.gguf"),
    ("gpt-neox", "ggml-vocab-gpt-neox.gguf"),
]
failures = 0


def fail(message):
    global failures
    failures += 1
    print(f"FAIL {message}")


def run(tool, *arguments, text):
    result = subprocess.run([tool, *arguments], input=text.encode(),
                            capture_output=True)
    if result.returncode:
        sys.exit(result.stderr.decode())
    return result.stdout.decode()


def encode(tool, tokenizer, texts, *options):
    out = run(tool, str(tokenizer), "--encode", f"--separator={SEPARATOR}",
              *options, text=SEPARATOR.join(texts))
    rows = [[int(word) for word in line.split()] for line in out.split("\n")]
    return rows[:-1]


def decode(tool, tokenizer, rows):
    lines = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    out = run(tool, str(tokenizer), "--decode", f"--separator={SEPARATOR}",
              text=lines)
    return out.split(SEPARATOR)


def compare(what, inputs, got, expected):
    if len(got) != len(expected):
        return fail(f"{what}: expected {len(expected)} results, but got "
                    f"{len(got)}")
    for given, one, other in zip(inputs, got, expected):
        if one != other:
            fail(f"{what}: {given!r}: expected {other!r}, but got {one!r}")


def check_small(tool):
    for golden in sorted((HERE / "tokenizers").glob("*.golden.json")):
        tokenizer = golden.with_name(golden.name.replace(".golden", ""))
        cases = json.loads(golden.read_text())
        name = tokenizer.stem
        texts = [case["text"] for case in cases]
        ids = [case["ids"] for case in cases]
        compare(f"{name}: special tokens parsed", texts,
                encode(tool, tokenizer, texts, "--add-special",
                       "--parse-special"), ids)
        compare(f"{name}: special tokens as text", texts,
                encode(tool, tokenizer, texts, "--add-special"),
                [case["plain"] for case in cases])
        compare(f"{name}: decode", ids, decode(tool, tokenizer, ids),
                [case["decoded"] for case in cases])
        # Bytes that nothing normalizes come back; <mask> takes white space.
        source = json.loads(tokenizer.read_text())
        if source["decoder"]["type"] == "ByteLevel" and not source["normalizer"]:
            texts = [text for text in texts if "<mask>" not in text]
            compare(f"{name}: round trip", texts,
                    decode(tool, tokenizer, encode(tool, tokenizer, texts)),
                    texts)
        print(f"{name}: {len(cases)} texts")


def check_reference(tool, work):
    root = pathlib.Path(os.environ.get("BITNETC_REFERENCE") or
                        HERE / "../../../../shared/reference") / "tokenizers"
    checked = 0
    for name, file in REFERENCE:
        inputs = root / f"ggml-vocab-{name}.gguf.inp"
        outputs = root / f"ggml-vocab-{name}.gguf.out"
        if not (root / file).exists():
            print(f"{name}: skipped, no {file} in {root}")
            continue
        tokenizer = work / name / "tokenizer.json"
        tokenizer.parent.mkdir(parents=True, exist_ok=True)
        tokenizer.write_text(
            json.dumps(make_tokenizer_json.convert(root / file)))
        # Without ids of its own, a vocabulary at least gives back its texts.
        texts = (inputs if inputs.exists() else
                 next(root.glob("*.inp"))).read_bytes().decode()
        texts = texts.split(SEPARATOR)
        got = encode(tool, tokenizer, texts)
        if outputs.exists():
            rows = outputs.read_text().split("\n")
            expected = [[int(word) for word in row.split()] for row in rows]
            expected = expected[:len(texts)]
            compare(name, texts, got, expected)
        else:
            print(f"{name}: no recorded ids, only the round trip")
        compare(f"{name}: round trip", got, decode(tool, tokenizer, got), texts)
        checked += 1
        print(f"{name}: {len(texts)} texts")
    if not checked:
        fail(f"no vocabulary found in {root}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["small", "reference"])
    parser.add_argument("--tool", default="bitnet-tokenize")
    parser.add_argument("--work", type=pathlib.Path, default=".",
                        help="folder for the converted vocabularies")
    options = parser.parse_args()
    if options.what == "small":
        check_small(options.tool)
    else:
        check_reference(options.tool, options.work)
    if failures:
        sys.exit(f"{failures} failures")
    print("all equal")
