#!/usr/bin/env python3
"""A screened head chooses the tokens that the full head chooses.

    screened.py [--launcher COMMAND] BITNETC GOLDENS OUT [FLAG...]

A launcher stands for an emulator, which is slow: then one family and one choice
of each kind do.

Compiles every golden with --head=full and --head=screened and compares the ids
of greedy and sampled continuations, with and without a penalty, for 1, 2 and 3
threads; then the same for heads of equal, nearly equal and odd rows, where the
order of ties decides. FLAGs go to the compiler.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import re
import shutil
import struct
import sys

import numpy

from e2e import Checks, compile_model, run

TOKENS = 40
# Vocabularies have 320 tokens, of which a screened head gives up to 10.
CHOICES = [["--temp", 0],
           ["--temp", 0, "--repeat-penalty", 1.5, "--repeat-last-n", 4],
           ["--temp", 1.3, "--top-k", 1, "--seed", 5],
           ["--temp", 1.3, "--top-k", 5, "--seed", 6],
           ["--temp", 2, "--top-k", 9, "--top-p", 1, "--min-p", 0,
            "--seed", 7],
           ["--temp", 1, "--top-k", 6, "--repeat-penalty", 1.3,
            "--repeat-last-n", 3, "--seed", 8],
           ["--temp", 1, "--top-k", 6, "--repeat-penalty", 0.7, "--seed", 9],
           ["--temp", 1, "--top-k", 0, "--seed", 10]]


def compare(checks, bitnetc, model, out, launcher, flags, name):
    programs = [compile_model(bitnetc, model, out / f"{name}-{head}",
                              f"--head={head}", *flags)
                for head in ("full", "screened")]
    seen = set()
    for choice in CHOICES[:6:2] if launcher else CHOICES:
        want = None
        for program in programs:
            for threads in (1, 2, 3):
                args = ["--tokens", model / "prompt.ids", "-n", TOKENS,
                        "--ignore-eos", "--print-ids", "-q", "-t", threads,
                        *choice]
                ids, _ = run(program, *args, launcher=launcher)
                want = want or ids
                checks.equal(ids, want, f"{program.name} {args}")
        checks.equal(len(want.split()), TOKENS, f"{name} {choice}: ids")
        seen.update(want.split())
    sizes = [program.stat().st_size for program in programs]
    checks.check(sizes[1] > sizes[0], f"{name}: no sketch in {sizes}")
    text, _ = run(programs[1], "--bench", "--bench-prompt", 2, "-n", 4,
                  "-t", 1, launcher=launcher)
    left = re.search(r"^head: ([0-9.]+) of (\d+) rows computed", text, re.M)
    text, _ = run(programs[0], "--bench", "--bench-prompt", 2, "-n", 4,
                  "-t", 1, launcher=launcher)
    checks.check("head:" not in text, f"{name}: the full head screens")
    print(f"{name}: same ids, {len(seen)} different; {left[1]} of {left[2]} "
          f"rows computed")
    return float(left[1]) / float(left[2])


def edit_head(source, target, edit):
    """A copy of the model `source` whose head `edit` has changed in place."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    path = target / "model.safetensors"
    data = bytearray(path.read_bytes())
    size, = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8:8 + size])["lm_head.weight"]
    kind = {"BF16": numpy.uint16, "F16": numpy.float16,
            "F32": numpy.float32}[entry["dtype"]]
    begin, end = (8 + size + offset for offset in entry["data_offsets"])
    rows = numpy.frombuffer(bytes(data[begin:end]), kind)
    rows = rows.reshape(entry["shape"]).copy()
    edit(rows)
    data[begin:end] = rows.tobytes()
    path.write_bytes(data)
    return target


def pairs(rows):
    """Every row twice: each choice is between two equal logits."""
    rows[1::2] = rows[0:len(rows) - 1:2]


def equal(rows):
    """All rows equal: nothing can be screened out, the lowest id wins."""
    rows[:] = rows[5]


def close(rows):
    """Rows that differ in one element by one bit: closer than the bounds."""
    rows[:] = rows[5]
    bits = rows.view(numpy.uint16 if rows.itemsize == 2 else numpy.uint32)
    for i in range(len(rows)):
        bits[i, i % rows.shape[1]] ^= 1


def main():
    args, launcher = sys.argv[1:], []
    if args[0] == "--launcher":
        launcher, args = args[1].split(), args[2:]
    bitnetc, goldens, out, flags = args[0], *map(pathlib.Path, args[1:3]), args[3:]
    out.mkdir(parents=True, exist_ok=True)
    checks, shares = Checks(), {}
    models = sorted(path.parent for path in goldens.glob("*/config.json"))
    if launcher:
        models = [goldens / "bitnet-packed"]
    for model in models:
        shares[model.name] = compare(checks, bitnetc, model, out, launcher,
                                     flags, model.name)
    base = goldens / "falcon3-like"
    for edit in (pairs, equal, close):
        model = edit_head(base, out / edit.__name__, edit)
        shares[edit.__name__] = compare(checks, bitnetc, model, out, launcher,
                                        flags, f"falcon3-like-{edit.__name__}")
    # The screening has to leave few rows, and to leave ties.
    checks.check(all(shares[model.name] < 0.2 for model in models),
                 f"too many rows are left: {shares}")
    checks.check(shares["equal"] == 1 and shares["close"] == 1,
                 f"ties are missing: {shares}")
    checks.finish("comparisons")


if __name__ == "__main__":
    main()
