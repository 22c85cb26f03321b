#!/usr/bin/env python3
"""What the inner loops of all formats consist of on one x86 level.

    loop.py CPU FEATURES

Compiles products of one token, by two row tiles side by side where there are 32
registers, and of as many as ternary-tile-micro puts into registers. Prints the
mix of each's innermost loop over packed bytes: instructions for each prefetch,
which is one for 64 packed bytes (of the first pass, where few registers take
half of the lanes at a time). Whatever is unrolled, and in whatever order, these
numbers stay. Moves are left out; spills are vector instructions that touch the
stack.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import re
import subprocess
import sys

TRIPLE = "x86_64-unknown-linux-gnu"
COLUMNS = 2880  # whole steps of every format
# Rows of a tile, columns and bytes of a step, bytes of its tables.
FORMATS = {"i2": (64, 4, 64, 0), "t5": (80, 4, 64, 0), "tl1": (64, 4, 64, 64),
           "tl2": (48, 32, 320, 0), "tl3": (96, 12, 256, 256)}
# Tokens in 16 and in 32 registers.
TOKENS = {"i2": (2, 6), "t5": (1, 4), "tl1": (2, 5), "tl2": (2, 6),
          "tl3": (1, 2)}
LOWER = ["bitnet-opt", "--convert-ternary-to-vector",
         "--convert-micro-ops-to-x86", "--canonicalize", "--cse",
         "--convert-scf-to-cf", "--expand-strided-metadata", "--lower-affine",
         "--convert-to-llvm", "--reconcile-unrealized-casts"]
# Moves are not work, and some names are of the same work.
IGNORED = re.compile(r"vmov|vzero|vpxor|prefetch")
SAME = {"vpandq": "vpand", "vpandd": "vpand", "vpandnq": "vpandn",
        "vporq": "vpor", "vpord": "vpor", "vpternlogd": "vpternlog",
        "vpternlogq": "vpternlog"}


def module(name, cpu, features, tokens):
    rows, step_columns, step_bytes, table = FORMATS[name]
    steps = COLUMNS // step_columns
    lookup = table != 0 and tokens == 1
    streams = 2 if tokens == 1 and cpu != "x86-64-v3" else 1
    packed = f"!ternary.packed<%d x {COLUMNS}, #ternary.{name}>"
    view, tile = packed % (4 * rows), packed % rows
    size = 4 * steps * step_bytes
    products = f"memref<{tokens}x{rows}xi32>"
    if lookup:
        op, data, operands = "lut_matmul", "%t", f"memref<1x{steps * table}xi8>"
        arguments = f"%t: {operands}"
    else:
        op, data = "matmul", "%q, %s"
        operands = f"memref<{tokens}x{COLUMNS}xi8>, memref<{tokens}xi32>"
        arguments = (f"%q: memref<{tokens}x{COLUMNS}xi8>, "
                     f"%s: memref<{tokens}xi32>")
    for i in range(streams):
        arguments += f", %i{i}: index, %p{i}: {products}"
    text = [f'module attributes {{bitnet.target = {{triple = "{TRIPLE}", '
            f'cpu = "{cpu}", features = "{features}"}}}} {{',
            f"func.func @product({arguments}, %b: memref<{size}xi8>) {{",
            f"  %w = ternary.view %b : memref<{size}xi8> -> {view}"]
    for i in range(streams):
        text.append(f"  %t{i} = ternary.tile %w[%i{i}] : {view} -> {tile}")
    for i in range(streams):
        text.append(f"  ternary.{op} {data}, %t{i} into %p{i} : "
                    f"({operands}, {tile}, {products}) -> ()")
    return "\n".join([*text, "  return", "}", "}"])


def loops(lines):
    """Bodies of all loops: from a label to a jump back to it."""
    labels = {}
    for at, line in enumerate(lines):
        label = re.match(r"(\.L\w+):", line)
        if label:
            labels[label[1]] = at
        jump = re.match(r"\s+j\w+\s+(\.L\w+)", line)
        if jump and jump[1] in labels:
            yield labels[jump[1]], at


def is_vector(line):
    return re.search(r"%[xyz]mm", line) is not None


def mix(lines):
    every = list(loops(lines))
    found = [lines[a:b] for a, b in every
             if not any(a < c and d < b for c, d in every)
             and any("prefetcht0" in line for line in lines[a:b])]
    body = max(found, key=lambda lines: sum(map(is_vector, lines)))
    counts, spills, widths = collections.Counter(), 0, set()
    for line in body:
        name = re.match(r"\s+(?:\{\w+\}\s+)?(\w+)\s", line)
        if not name or not is_vector(line):
            continue
        # Constants may come from memory, but not from the stack.
        spills += "rsp" in line
        widths.update(re.findall(r"%([xyz]mm)", line))
        if not IGNORED.match(name[1]):
            counts[SAME.get(name[1], name[1])] += 1
    unit = sum("prefetcht0" in line for line in body)
    listed = ", ".join(f"{counts[name] / unit:.4g} {name}"
                       for name in sorted(counts))
    return f"{listed}; {max(widths)}; {spills} spills"


def compile(text, cpu, features):
    """Assembly, or what the format needs."""
    lowered = subprocess.run(LOWER, input=text, capture_output=True, text=True)
    reason = re.search(r"on CPU .* (needs .*)", lowered.stderr)
    if reason:
        return None, reason[1]
    flags = ["-O3", f"-mtriple={TRIPLE}", f"-mcpu={cpu}", f"-mattr={features}"]
    text = lowered.stdout
    for command in (["mlir-translate", "--mlir-to-llvmir"],
                    ["opt", "-S", *flags], ["llc", *flags]):
        text = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                              text=True, check=True).stdout
    return text.splitlines(), None


def main():
    cpu, features = sys.argv[1:]
    for name in FORMATS:
        for tokens in sorted({1, TOKENS[name][cpu != "x86-64-v3"]}):
            lines, reason = compile(module(name, cpu, features, tokens), cpu,
                                    features)
            print(f"{name} M={tokens}:", reason or mix(lines), flush=True)


if __name__ == "__main__":
    main()
