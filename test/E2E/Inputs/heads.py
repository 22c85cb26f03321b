#!/usr/bin/env python3
"""Heads of other precisions: near the full head's logits, and always the same.

    heads.py [--launcher COMMAND] BITNETC GOLDENS OUT

A launcher stands for an emulator of AArch64, whose logits must be those of this
machine.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess
import sys

import numpy

from e2e import Checks, compile_model, get_greedy, get_logits, run
from screened import edit_head

# Tied and untied, in bf16, f32 and f16, with odd numbers of columns and rows.
MODELS = ["bitnet-packed", "falcon3-like", "1bitllm-f16"]
# The largest error that is expected of a logit, in standard deviations.
ERRORS = {"f16": 0.002, "bf16": 0.02, "int8": 0.05, "int4": 0.6}
STORED = {"bitnet-packed": "bf16", "1bitllm-f16": "f16"}


def check_head(checks, bitnetc, model, out, head, full):
    program = compile_model(bitnetc, model, out / f"{model.name}-{head}",
                            f"--head={head}")
    tokens, name = model / "prompt.ids", f"{model.name} --head={head}"
    logits = get_logits(program, tokens, "-t", 1)
    error = numpy.abs(logits - full).max() / full.std()
    print(f"{name}: largest error {error:.5f} standard deviations")
    checks.check(error < ERRORS[head], f"{name}: too large an error, {error}")
    # f16 holds all of bf16 that is not far from 1.
    stored = STORED.get(model.name)
    exact = stored == head or (stored, head) == ("bf16", "f16")
    checks.equal(error == 0, exact, f"{name}: exact")
    for threads, batch in ((2, 128), (3, 1), (1, 5)):
        again = get_logits(program, tokens, "-t", threads, "--batch-size",
                           batch)
        checks.same_bits(again, logits, f"{name} -t {threads} by {batch}")
    greedy = get_greedy(program, tokens, 3, "-t", 2)
    checks.equal(greedy[0], int(logits[-1].argmax()), f"{name}: token")
    info, _ = run(program, "--info")
    checks.equal(f"head         stored as {head}," in info,
                 head != STORED.get(model.name), f"{name}: --info")
    return program, logits


def check_range(checks, bitnetc, goldens, out):
    """A number above all of f16 is an error; bf16 and integers hold it."""
    def spoil(rows):
        rows[7, 3] = 1e6
    model = edit_head(goldens / "falcon3-like", out / "large", spoil)
    result = subprocess.run(
        [bitnetc, "-q", model, "-o", out / "none", "--head=f16"],
        capture_output=True, text=True, check=False)
    expected = ("model.safetensors: tensor 'lm_head.weight': expected numbers "
                "that f16 can hold, but got 1000000.000000; choose another "
                "--head\n")
    checks.check(result.returncode == 1 and result.stderr.endswith(expected),
                 f"f16: {result.returncode} {result.stderr}")
    checks.check(not (out / "none").exists(), "f16: an output after an error")
    for head in ("bf16", "int8", "int4"):
        program = compile_model(bitnetc, model, out / f"large-{head}",
                                f"--head={head}")
        get_logits(program, model / "prompt.ids")


def main():
    args, launcher = sys.argv[1:], []
    if args[0] == "--launcher":
        launcher, args = args[1].split(), args[2:]
    bitnetc, goldens, out = args[0], *map(pathlib.Path, args[1:3])
    out.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    for name in MODELS[:1] if launcher else MODELS:
        model = goldens / name
        if launcher:
            for head in ("int8", "int4"):
                here, there = (
                    compile_model(bitnetc, model, out / f"{head}-{i}",
                                  f"--head={head}", *flags)
                    for i, flags in enumerate(
                        ([], ["--target=aarch64-linux-gnu"])))
                tokens = model / "prompt.ids"
                checks.same_bits(get_logits(there, tokens, launcher=launcher),
                                 get_logits(here, tokens), head)
            continue
        program = compile_model(bitnetc, model, out / f"{name}-full",
                                "--head=full")
        full = get_logits(program, model / "prompt.ids")
        for head in ERRORS:
            check_head(checks, bitnetc, model, out, head, full)
    if not launcher:
        check_range(checks, bitnetc, goldens, out)
    checks.finish("checks")


if __name__ == "__main__":
    main()
