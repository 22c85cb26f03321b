#!/usr/bin/env python3
"""The trained example model scores and writes what its training script says.

    kjv.py BITNETC EXAMPLES_KJV OUT [FLAG...]

eval.json has the perplexity of the held-out books (its protocol is there), the
loss of each window and 64 greedy tokens, all from transformers.

SPDX-License-Identifier: Apache-2.0
"""
import json
import math
import pathlib
import re
import sys

import numpy

from e2e import Checks, compile_model, get_greedy, get_logits, run

# Between two correct programs only flips of int8 roundings differ: measured
# 0.013 % (0.5 % is what users are promised).
TOLERANCE = 0.001


def check_perplexity(checks, program, model, expected):
    for key, window in (("perplexity", expected["window"]),
                        ("perplexity_of_half_windows",
                         expected["window"] // 2)):
        out, _ = run(program, "--ppl", model / "heldout.txt", "--ppl-window",
                     window)
        value, tokens = re.fullmatch(
            r"perplexity: ([0-9.]+) \((\d+) tokens, \d+ windows of "
            rf"{window}, each after bos\)\n", out).groups()
        error = float(value) / expected[key] - 1
        print(f"{key}: {value}, expected {expected[key]:.6f}: {error:+.4%}")
        checks.check(abs(error) < TOLERANCE, f"{key}: {error:+.4%}")
        checks.equal(int(tokens), expected["tokens"], f"{key}: tokens")


def check_window(checks, program, model, expected, out):
    """The loss of one window, from its logits."""
    line = (model / "heldout.ids").read_text().splitlines()[1]
    tokens = [int(word) for word in line.split()]
    ids = out / "window.ids"
    ids.write_text(" ".join(map(str, tokens[:-1])))
    rows = get_logits(program, ids).astype(numpy.float64)
    rows -= rows.max(axis=1, keepdims=True)
    loss = (numpy.log(numpy.exp(rows).sum(axis=1))
            - rows[numpy.arange(len(rows)), tokens[1:]]).sum()
    error = loss / expected["window_negative_log_likelihood"][1] - 1
    checks.check(abs(error) < TOLERANCE / math.log(expected["perplexity"]),
                 f"loss of the second window: {error:+.4%}")


def check_text(checks, program, expected, out):
    greedy = expected["greedy"]
    ids = out / "greedy.ids"
    ids.write_text(" ".join(map(str, greedy["prompt_ids"])))
    count = len(greedy["ids"])
    checks.equal(get_greedy(program, ids, count), greedy["ids"], "greedy ids")
    args = ["-n", count, "--temp", 0, "--ignore-eos", "-q"]
    text, _ = run(program, "-p", greedy["prompt"], *args)
    checks.equal(text, greedy["text"] + "\n", "greedy text")
    args = ["-p", "In the beginning", "-n", 40, "-q", "--ignore-eos"]
    texts = [run(program, *args, "--seed", seed)[0] for seed in (1, 1, 2)]
    words = set(re.findall(r"[a-z]+", texts[0].lower()))
    checks.check(words & {"the", "and", "of", "lord", "unto", "god"},
                 f"expected English, but got {texts[0]!r}")
    checks.equal(texts[0], texts[1], "the same seed")
    checks.check(texts[0] != texts[2], "seeds 1 and 2 write the same")


def check_sequences(checks, programs, model, out):
    """Verses continued together are what each is alone, whatever the head."""
    lines = (model / "heldout.txt").read_text().split("\n")
    verses = [line for line in lines if len(line) > 90]
    prompts = [verse[:20 + 9 * i] for i, verse in enumerate(verses[:7])]
    path = out / "prompts.txt"
    path.write_text("\n".join(prompts) + "\n")
    args = ["-n", 30, "--seed", 3, "--print-ids", "-q"]
    for sampling in (["--temp", 0], ["--temp", 1, "--top-k", 40]):
        alone = [run(programs[0], "-p", prompt, *args, *sampling, "--seed",
                     3 + i)[0].split() for i, prompt in enumerate(prompts)]
        for program in programs:
            for parallel in (3, 4, 7):
                text, _ = run(program, "--prompts", path, "--parallel",
                              parallel, *args, *sampling)
                got = [list(map(str, json.loads(line)["ids"]))
                       for line in text.splitlines()]
                checks.equal(got, alone,
                             f"{program.name} --parallel {parallel}")


def main():
    bitnetc, model, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    out.mkdir(parents=True, exist_ok=True)
    expected = json.loads((model / "eval.json").read_text())
    program = compile_model(bitnetc, model, out / "kjv", *sys.argv[4:])
    checks = Checks()
    check_perplexity(checks, program, model, expected)
    check_window(checks, program, model, expected, out)
    check_text(checks, program, expected, out)
    screened = compile_model(bitnetc, model, out / "screened",
                             "--head=screened", *sys.argv[4:])
    check_sequences(checks, [program, screened], model, out)
    checks.finish("checks")


if __name__ == "__main__":
    main()
