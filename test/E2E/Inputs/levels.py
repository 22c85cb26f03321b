#!/usr/bin/env python3
"""Logits of a model are the same bits for every format and CPU level.

    levels.py x86|aarch64 BITNETC MODEL OUT [LAUNCHER...]

Compiles the golden MODEL for every format of --list-formats and every level
below and compares the logits of its prompt with those of the first program,
to the bit: integer products are exact, and floating-point sums have one order.
What a format cannot do on a level must be said so by the compiler; what this
machine cannot run is said at the end.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess
import sys

import numpy

from e2e import Checks, get_logits, run

LEVELS = {
    "x86": [
        ["--cpu=x86-64-v3"],
        ["--cpu=x86-64-v3", "--mattr=+avxvnni"],
        ["--cpu=x86-64-v4"],
        ["--cpu=x86-64-v4", "--mattr=+avx512vnni"],
        ["--cpu=x86-64-v4", "--mattr=+avx512vbmi"],
        ["--cpu=sapphirerapids"],
        ["--cpu=native"],
    ],
    # smull; sdot; usdot. qemu has them all.
    "aarch64": [
        ["--target=aarch64-linux-gnu", "--cpu=cortex-a72"],
        ["--target=aarch64-linux-gnu"],
        ["--target=aarch64-linux-gnu", "--cpu=neoverse-v1"],
    ],
}
# Formats that no level of an architecture has: NEON permutes bytes, not words.
LACKS = {"x86": [], "aarch64": ["tl3"]}
# Float sums in the wrong order would differ by this much; far less than what
# a wrong product does (see compare_logits.py).
TOLERANCE = 1e-4


def list_formats(bitnetc):
    out, _ = run(bitnetc, "--list-formats")
    return [line.split()[0] for line in out.splitlines()[1:]]


def compile_or_refuse(bitnetc, model, output, flags):
    """None, or the compiler's sentence on what the format needs."""
    result = subprocess.run(
        [bitnetc, "-q", str(model), "-o", str(output), *flags], text=True,
        capture_output=True, check=False)
    if result.returncode == 0 and not result.stderr:
        return None
    if (result.returncode == 1 and result.stderr.count("\n") == 1
            and ": needs " in result.stderr and not output.exists()):
        return result.stderr
    sys.exit(f"error: exit status {result.returncode} with {flags}: "
             f"{result.stderr}")


def lacks(program):
    """Whether the program says that this CPU cannot run it."""
    result = subprocess.run([program, "-p", "x", "-n", "1"], text=True,
                            capture_output=True, check=False)
    return result.returncode == 1 and "which this CPU lacks" in result.stderr


def main():
    kind, bitnetc, model, out, *launcher = sys.argv[1:]
    model, out = pathlib.Path(model), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    prompt = model / "prompt.ids"
    golden = numpy.load(model / "logits.npy")
    checks, first, ran, refused, skipped = Checks(), None, [], [], []
    formats = list_formats(bitnetc)
    for level in LEVELS[kind]:
        for name in formats:
            flags = [*level, f"--format={name}"]
            what = " ".join(flags)
            program = out / "program"
            program.unlink(missing_ok=True)
            if compile_or_refuse(bitnetc, model, program, flags):
                refused.append(what)
                continue
            if not launcher and lacks(program):
                skipped.append(what)
                continue
            logits = get_logits(program, prompt, launcher=launcher)
            if first is None:
                first = logits
                error = numpy.abs(logits - golden).max() / golden.std()
                checks.check(error < TOLERANCE,
                             f"{what}: {error:g} from the golden")
            checks.same_bits(logits, first, what)
            ran.append(what)
    for title, names in (("same bits", ran), ("refused", refused),
                         ("not run, this CPU lacks features", skipped)):
        for name in names:
            print(f"{title}: {name}")
    # One level that this machine runs must have taken all formats that the
    # architecture has instructions for.
    expected = [name for name in formats if name not in LACKS[kind]]
    checks.check(any(all(f"{' '.join(level)} --format={name}" in ran
                         for name in expected) for level in LEVELS[kind]),
                 "no level ran all formats")
    for name in LACKS[kind]:
        checks.check(not any(what.endswith(f"={name}") for what in ran),
                     f"{name} ran, but is listed as lacking here")
    checks.finish("comparisons")


if __name__ == "__main__":
    main()
