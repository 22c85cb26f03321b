#!/usr/bin/env python3
"""A program with matrix tiles runs where the kernel refuses them.

    tiles.py BITNETC GOLDEN OUT

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import sys

from e2e import (Checks, compile_model, get_greedy, get_logits, run, write_ids)

NOTE = ("note: matrix tiles cannot be used: the kernel refuses them (Operation "
        "not permitted); prompts are read more slowly\n")
# More than a prefill call, and a rest.
PROMPT = 200
# A step of so many texts would use matrix tiles.
SEQUENCES = 16


def main():
    bitnetc, golden, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    refuse = [sys.executable, pathlib.Path(__file__).parent / "refuse_tiles.py"]
    vocab = json.loads((golden / "config.json").read_text())["vocab_size"]
    lines = out / "prompts.txt"
    lines.write_text("".join(f"line {i}\n" for i in range(SEQUENCES)))
    ids = write_ids(out / "ids", PROMPT, vocab)
    checks = Checks()
    for name in ("i2", "t5"):
        program = compile_model(bitnetc, golden, out / name, f"--format={name}",
                                "--cpu=native")
        info, _ = run(program, "--info")
        checks.check("amx-int8" in info, f"--info: {info}")
        for batch in ([], ["--batch-size", 128], ["--batch-size", 5]):
            checks.same_bits(get_logits(program, ids, *batch, launcher=refuse),
                             get_logits(program, ids, *batch),
                             f"{name}, {batch}")
        checks.equal(get_greedy(program, ids, 20, launcher=refuse),
                     get_greedy(program, ids, 20), f"{name}, greedy ids")
        several = ("--prompts", lines, "-n", 5, "--seed", 1, "--print-ids",
                   "-q")
        checks.equal(run(program, *several, launcher=refuse)[0],
                     run(program, *several)[0], f"{name}, several texts")
        args = ("--tokens", ids, "-n", 1, "-q", "--print-ids")
        checks.equal(run(program, *args, launcher=refuse)[1], NOTE, name)
        checks.equal(run(program, *args)[1], "", name)
        # Only what runs the model asks.
        checks.equal(run(program, "--info", launcher=refuse), (info, ""), name)
    checks.finish("checks")


if __name__ == "__main__":
    main()
