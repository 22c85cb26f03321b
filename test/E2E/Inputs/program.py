#!/usr/bin/env python3
"""A program is one static file that needs nothing but a CPU that can run it.

    program.py BITNETC GOLDEN OUT

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys

import e2e


def check_self_contained(checks, program, golden, out):
    """It runs elsewhere, under another name, with nothing around it."""
    moved = out / "else where" / "renamed"
    moved.parent.mkdir()
    greedy = e2e.get_greedy(program, golden / "prompt.ids", 64)
    want = [int(word) for word in (golden / "greedy.ids").read_text().split()]
    checks.equal(greedy, want, "greedy ids")
    shutil.move(program, moved)
    ids = shutil.copy(golden / "prompt.ids", moved.parent)
    shutil.rmtree(out / "model")
    result = subprocess.run(
        [moved, "--tokens", os.path.basename(ids), "-n", "64", "--temp", "0",
         "--ignore-eos", "--print-ids", "-q"], cwd=moved.parent, env={},
        capture_output=True, text=True, check=False, timeout=e2e.TIMEOUT)
    checks.equal((result.returncode, result.stderr), (0, ""), "moved")
    checks.equal([int(word) for word in result.stdout.split()], want, "moved")
    return moved


def check_static(checks, program):
    """No interpreter and no dynamic section: nothing is loaded beside it."""
    data = program.read_bytes()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    types = [struct.unpack_from("<I", data, offset + i * size)[0]
             for i in range(count)]
    load, dynamic, interpreter = 1, 2, 3
    checks.check(load in types, f"program headers {types}")
    checks.check(dynamic not in types and interpreter not in types,
                 f"not static: program headers {types}")
    ldd = subprocess.run(["ldd", program], capture_output=True, text=True,
                         check=False)
    checks.check("not a dynamic executable" in ldd.stdout + ldd.stderr
                 or "statically linked" in ldd.stdout, f"ldd: {ldd.stdout}")


def check_info(checks, program):
    info, _ = e2e.run(program, "--info")
    for pattern in (r"family +bitnet$", r"layers +2$", r"weights +\S+ +\d+",
                    r"name: \S+$", r"target: \S+ \S+$",
                    r"cpu features: \w+", r"vocabulary: 320 tokens$",
                    r"longest context: 256 tokens$",
                    r"prefill batch: 128 tokens$",
                    r"weights: [1-9]\d* bytes$",
                    r"tokenizer: [1-9]\d* bytes$",
                    rf"this file: {program.stat().st_size} bytes$"):
        checks.check(re.search("^" + pattern, info, re.M),
                     f"--info: expected {pattern}, but got {info}")


def check_missing_feature(checks, program, golden, out):
    """A CPU without a needed feature: a sentence, not an illegal instruction.

    The needed features are a word of bn_model_info (runtime/include/bitnet/
    abi.def) after nine 32-bit ones, the first of which --info shows, and a
    gap; one of another architecture is added, which no CPU of this one has.
    """
    data = bytearray(program.read_bytes())
    # abi_version is unknown here; vocabulary, hidden size, layers, context,
    # batch and the rows of logits are not.
    known = re.compile(re.escape(struct.pack("<5I", 320, 96, 2, 256, 128))
                       + b".{16}", re.S)
    places = [match.end() for match in known.finditer(bytes(data))]
    checks.equal(len(places), 1, "places of the model's description")
    foreign = 36 if os.uname().machine == "x86_64" else 14
    name = "sve2" if foreign == 36 else "avx512vnni"
    mask, = struct.unpack_from("<Q", data, places[0])
    struct.pack_into("<Q", data, places[0], mask | 1 << foreign)
    patched = out / "patched"
    patched.write_bytes(data)
    patched.chmod(0o755)
    _, error = e2e.run(patched, "--tokens", golden / "prompt.ids", status=1)
    checks.check(re.fullmatch(
        rf"patched: error: this program needs {name}, which this CPU lacks; "
        r"recompile with --cpu=\S+\n", error), error)
    info, _ = e2e.run(patched, "--info")
    checks.check(name in info, f"--info: {info}")


def check_text(checks, program):
    """Text: greedy and seeded generation repeat themselves, and differ."""
    def write(*args):
        return e2e.run(program, "-p", "hello", "-n", 32, "--ignore-eos",
                       "-q", *args)[0]
    greedy = write("--temp", 0)
    checks.check(greedy.strip() != "", "no text")
    checks.equal(write("--temp", 0, "-t", 2, "--seed", 7), greedy, "greedy")
    seeded = write("--temp", 1, "--seed", 1)
    checks.equal(write("--temp", 1, "--seed", 1, "-t", 3), seeded, "seed 1")
    checks.check(write("--temp", 1, "--seed", 2) != seeded, "seeds 1 and 2")
    echoed = write("--temp", 0, "--echo")
    checks.equal(echoed, "hello" + greedy, "--echo")


def check_optimisation(checks, bitnetc, golden, out, program):
    """LLVM may not change what is computed: -O0 to -O3, to the bit."""
    want = e2e.get_logits(program, golden / "prompt.ids")
    for level in range(4):
        other = e2e.compile_model(bitnetc, golden, out / f"O{level}",
                                  f"-O{level}")
        checks.same_bits(e2e.get_logits(other, golden / "prompt.ids"), want,
                         f"-O{level}")


def check_compiler_interrupt(checks, bitnetc, golden, out):
    """Ctrl-C while compiling leaves nothing behind."""
    folder = out / "interrupted"
    for stage in ("generating code", "packing"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        process = subprocess.Popen(
            [bitnetc, golden, "-o", folder / "x"], stderr=subprocess.PIPE,
            text=True)
        for line in process.stderr:
            if stage in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=e2e.TIMEOUT)
        left = os.listdir(folder)
        # What was finished before the signal came is whole.
        checks.check(process.returncode != 0 and not left
                     or process.returncode == 0 and left == ["x"],
                     f"Ctrl-C at '{stage}': status {process.returncode}, "
                     f"files {left}")


def main():
    bitnetc = sys.argv[1]
    golden, out = (pathlib.Path(word).resolve() for word in sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(golden, out / "model")
    checks = e2e.Checks()
    program = e2e.compile_model(bitnetc, out / "model", out / "program")
    program = check_self_contained(checks, program, golden, out)
    check_static(checks, program)
    check_info(checks, program)
    check_missing_feature(checks, program, golden, out)
    check_text(checks, program)
    check_optimisation(checks, bitnetc, golden, out, program)
    check_compiler_interrupt(checks, bitnetc, golden, out)
    checks.finish("checks")


if __name__ == "__main__":
    main()
