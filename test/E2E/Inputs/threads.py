#!/usr/bin/env python3
"""Logits do not depend on threads, batches or the size of the prefill call.

    threads.py BITNETC MODEL OUT

Compiles the golden MODEL with --max-batch 128 (the default), 7 and 1, reads a
prompt of random ids that is longer than one prefill call with every number of
threads and several batch sizes, and compares all logits to the bit. The
stated rounding between one by one and batched prefill is none.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import sys

from e2e import (Checks, compile_model, get_greedy, get_logits, write_ids)

PROMPT = 200
THREADS = (1, 2, 3)
# Prefill calls of the compiled size, one by one, and sizes between: a last
# batch of one token, of several, and one less than the call takes.
BATCHES = {128: (128, 127, 67, 1), 7: (7, 2), 1: (1,)}


def main():
    bitnetc, model, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((model / "config.json").read_text())
    long = write_ids(out / "long.ids", PROMPT, config["vocab_size"])
    checks, want, text = Checks(), None, None
    for size, batches in BATCHES.items():
        program = compile_model(bitnetc, model, out / f"batch{size}",
                                f"--max-batch={size}")
        for batch in batches:
            for threads in THREADS:
                args = ["-t", threads, "--batch-size", batch]
                what = f"--max-batch={size} {' '.join(map(str, args))}"
                logits = get_logits(program, long, *args)
                greedy = get_greedy(program, long, 40, *args)
                want = logits if want is None else want
                text = text or greedy
                checks.same_bits(logits, want, what)
                checks.equal(greedy, text, what)
    checks.check(want.shape[0] == PROMPT, f"{want.shape[0]} positions")
    checks.check(len(text) == 40, f"{len(text)} greedy ids")
    checks.finish("comparisons")


if __name__ == "__main__":
    main()
