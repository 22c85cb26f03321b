#!/usr/bin/env python3
"""Several texts together are what each is alone, to the bit.

    sequences.py x86|aarch64 BITNETC RUNTIME MODEL OUT [LAUNCHER...]

Links sequences.cpp with the golden MODEL, compiled for several CPU levels, and
runs it with 1 to 8 and 16 sequences and 1 to 3 threads. Then the command line:
--prompts gives every line the ids that it gets alone with its seed from the full
head, with that and a screened one. RUNTIME is the folder of libbitnet_rt.a and
the system's libraries, by triple.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import subprocess
import sys

from e2e import Checks, compile_model, run
from levels import LEVELS, lacks

SOURCE = pathlib.Path(__file__).resolve().parent
HEADERS = SOURCE.parents[2] / "runtime" / "include"
DRIVERS = {"x86": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}
# (sequences, threads): every number on one level; on the others those that
# are a whole and a partial block of tokens.
ALL = [(n, 1 + n % 3) for n in (*range(1, 9), 16)]
SOME = [(4, 2), (7, 1)]
# The same of --prompts; an emulator is slow.
TOGETHER = [(3, 1), (16, 2), (1, 1), (2, 2), (4, 2)]


def compile_main(family, output):
    subprocess.run(
        [f"{DRIVERS[family]}-g++", "-std=c++17", "-O1", "-c", "-I", HEADERS,
         SOURCE / "sequences.cpp", "-o", output], check=True)


def link(family, runtime, objects, output):
    triple = DRIVERS[family]
    subprocess.run(
        [f"{triple}-g++", "-static", *objects,
         f"{runtime}/{triple}/libbitnet_rt.a", "-lpthread", "-o", output],
        check=True)


def check_bits(checks, program, data, launcher, cases):
    for count, threads in cases:
        out, _ = run(program, data, count, threads, launcher=launcher)
        checks.check(out.endswith(" compared, 0 wrong\n"),
                     f"{program}, {count} sequences, {threads} threads: {out}")


def check_prompts(checks, programs, out, launcher):
    """`programs` are one model; the first says what is right."""
    lines = ["one", "two words", "the third is the longest", "4", "fi, five"]
    path = out / "prompts.txt"
    path.write_text("\n".join(lines) + "\n")
    options = ["-n", 20, "--seed", 7, "--temp", 1, "--top-k", 0, "--top-p", 1,
               "--min-p", 0, "--print-ids", "-q"]
    for sampling in ([], ["--temp", 0], ["--top-k", 3, "--repeat-penalty", 1.5],
                     ["-c", 40, "-n", -1]):
        alone = []
        for i, line in enumerate(lines):
            text, _ = run(programs[0], "-p", line, *options, *sampling,
                          "--seed", 7 + i, launcher=launcher)
            alone.append([int(word) for word in text.split()])
        checks.check(len(set(map(tuple, alone))) > 1, f"all equal: {alone}")
        for program in programs:
            for parallel, threads in TOGETHER[:2] if launcher else TOGETHER:
                text, _ = run(program, "--prompts", path, "--parallel",
                              parallel, "-t", threads, *options, *sampling,
                              launcher=launcher)
                got = [json.loads(line) for line in text.splitlines()]
                what = f"{program.name} --parallel {parallel} {sampling}"
                checks.equal([entry["ids"] for entry in got], alone, what)
                checks.equal([entry["seed"] for entry in got],
                             [7, 8, 9, 10, 11], what)


def main():
    family, bitnetc, runtime = sys.argv[1:4]
    model, out = map(pathlib.Path, sys.argv[4:6])
    launcher = sys.argv[6:]
    out.mkdir(parents=True, exist_ok=True)
    compile_main(family, out / "main.o")
    checks = Checks()
    for i, flags in enumerate(LEVELS[family]):
        program = compile_model(bitnetc, model, out / f"chat{i}", *flags)
        if not launcher and lacks(program):
            print("not run here:", *flags)
            continue
        compile_model(bitnetc, model, out / f"model{i}.o", "--emit=obj", *flags)
        link(family, runtime, [out / "main.o", out / f"model{i}.o"],
             out / f"sequences{i}")
        first = checks.done == 0
        check_bits(checks, out / f"sequences{i}", program, launcher,
                   ALL if first else SOME)
        if first:
            screened = compile_model(bitnetc, model, out / "screened",
                                     "--head=screened", *flags)
            check_prompts(checks, [program, screened], out, launcher)
    checks.finish("comparisons")


if __name__ == "__main__":
    main()
