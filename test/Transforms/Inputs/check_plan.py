#!/usr/bin/env python3
"""Plans the memory of random phases and checks every pair of buffers.

    check_plan.py BITNET_OPT COUNT SEED

Writes COUNT straight-line functions of additions between buffers and views of
random sizes and lives, runs bitnet-plan-memory, reads the places of the buffers
back and fails if two that are alive at the same time share a byte, one is not
aligned, or one does not fit. An independent reading of lives: the operations
between a buffer's first and last mention, by itself or by a view.

SPDX-License-Identifier: Apache-2.0
"""
import random
import re
import subprocess
import sys

ALIGN = 64


def generate(rng, name):
    """One phase. Every buffer is written once and read now and then; a third of
    them is read by way of a view of some of its columns."""
    max_tokens = rng.choice([1, 1, 3, 8])
    lines, live = [], []
    for i in range(rng.randint(1, 30)):
        tokens = rng.choice(["?", "1"])
        columns = 2 * rng.choice([1, 3, 16, 17, 50, 200])
        type_ = f"memref<{tokens}x{columns}xf32>"
        count = "%n" if tokens == "?" else ""
        lines.append(f"%b{i} = memref.alloc({count}) : {type_}")
        lines.append(f"bitnet.add %b{i}, %b{i} into %b{i} : "
                     f"({type_}, {type_}, {type_}) -> ()")
        if rng.random() < 0.3:
            half = columns // 2
            view = f"memref<{tokens}x{half}xf32, strided<[{columns}, 1]>>"
            lines.append(f"%v{i} = memref.subview %b{i}[0, 0] "
                         f"[{'%n' if tokens == '?' else 1}, {half}] [1, 1] : "
                         f"{type_} to {view}")
            live.append((f"%v{i}", view))
        else:
            live.append((f"%b{i}", type_))
        for _ in range(rng.randint(0, 2)):
            value, of = rng.choice(live)
            lines.append(f"bitnet.add {value}, {value} into {value} : "
                         f"({of}, {of}, {of}) -> ()")
        while live and rng.random() < 0.4:
            live.pop(rng.randrange(len(live)))
    body = "\n  ".join(lines)
    return (f"func.func @{name}(%weights: memref<?xi8>, %arena: memref<?xi8>, "
            f"%n: index) attributes {{bitnet.max_tokens = {max_tokens} : i64}} "
            f"{{\n  {body}\n  return\n}}\n"), max_tokens


def read_plan(text, max_tokens):
    """[offset, bytes, first, last] of every buffer of a planned function."""
    constants, buffers, owner = {}, [], {}
    for number, line in enumerate(text.splitlines()):
        for value in re.findall(r"%[\w]+", line.partition("=")[2] or line):
            if value in owner:
                owner[value][3] = number
        if match := re.match(r"\s*(%\w+) = arith.constant (\d+) : index", line):
            constants[match[1]] = int(match[2])
        if match := re.match(r"\s*(%\w+) = memref.view %arg1\[(%\w+)\]\[.*\] : "
                             r"memref<\?xi8> to memref<(.)x(\d+)xf32>", line):
            tokens = max_tokens if match[3] == "?" else int(match[3])
            buffer = [constants[match[2]], tokens * int(match[4]) * 4, number,
                      number]
            buffers.append(buffer)
            owner[match[1]] = buffer
        elif match := re.match(r"\s*(%\w+) = memref.subview (%\w+)\[", line):
            owner[match[1]] = owner[match[2]]
    return buffers


def check(name, buffers, arena):
    """Number of pairs that share bytes, but not at the same time."""
    shared = 0
    for i, (offset, size, first, last) in enumerate(buffers):
        if offset % ALIGN or offset + size > arena:
            sys.exit(f"@{name}: buffer {i} is at {offset} with {size} bytes in "
                     f"an arena of {arena}")
        for j, (offset2, size2, first2, last2) in enumerate(buffers[:i]):
            if offset < offset2 + size2 and offset2 < offset + size:
                if first <= last2 and first2 <= last:
                    sys.exit(f"@{name}: buffers {j} and {i} share bytes while "
                             f"both are alive: {buffers[j]}, {buffers[i]}")
                shared += 1
    return shared


def main():
    opt, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    functions = {f"f{i}": generate(rng, f"f{i}") for i in range(count)}
    planned = subprocess.run(
        [opt, "--bitnet-plan-memory"], check=True, stdout=subprocess.PIPE,
        input="".join(text for text, _ in functions.values()), text=True).stdout
    if "memref.alloc" in planned:
        sys.exit("a buffer got no place")
    arena = int(re.search(r"bitnet.arena_bytes = (\d+)", planned)[1])
    pairs = shared = 0
    for name, (text, max_tokens) in functions.items():
        body = re.search(rf"func @{name}\(.*?\n  }}", planned, re.S)[0]
        buffers = read_plan(body, max_tokens)
        if len(buffers) != text.count("memref.alloc"):
            sys.exit(f"@{name}: expected {text.count('memref.alloc')} buffers, "
                     f"but got {len(buffers)}")
        pairs += len(buffers) * (len(buffers) - 1) // 2
        shared += check(name, buffers, arena)
    print(f"{count} functions: {pairs} pairs of buffers, {shared} share bytes")


if __name__ == "__main__":
    main()
