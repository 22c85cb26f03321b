#!/usr/bin/env python3
"""Runs lowered ternary kernels of odd sizes against references in NumPy.

Everything is compared to the bit, on every target: integers are exact and each
floating-point operation is rounded once. The packed matrices are made here from
the descriptions in TernaryFormats.td, not by the compiler's packers.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(
    0, str(pathlib.Path(__file__).parents[2] / "BitNetToVector" / "Inputs"))
import harness  # noqa: E402
from harness import Case, Ref  # noqa: E402

harness.DTYPES["i8"] = np.int8
random = np.random.default_rng(7)
f32 = np.float32

# Name: LLVM's triple, CPU, features; what runs the program.
TARGETS = {
    "x86-64-v3": ("x86_64-linux-gnu", "x86-64-v3", ""),
    "avxvnni": ("x86_64-linux-gnu", "x86-64-v3", "+avxvnni"),
    "x86-64-v4": ("x86_64-linux-gnu", "x86-64-v4", ""),
    "avx512vbmi": ("x86_64-linux-gnu", "x86-64-v4", "+avx512vbmi"),
    "avx512vnni": ("x86_64-linux-gnu", "x86-64-v4", "+avx512vnni"),
    "cortex-a72": ("aarch64-linux-gnu", "cortex-a72", ""),
    "dotprod": ("aarch64-linux-gnu", "generic", "+v8.2a,+dotprod"),
    "i8mm": ("aarch64-linux-gnu", "generic", "+v8.2a,+dotprod,+i8mm"),
}
# What targets lack: dot products of full bytes, lookups of words.
UNSUPPORTED = {
    "t5": {"x86-64-v3", "x86-64-v4", "avx512vbmi", "cortex-a72"},
    "tl3": {"x86-64-v3", "avxvnni", "cortex-a72", "dotprod", "i8mm"}}


def equal(expected):
    """A check for exactly these elements, bit by bit."""
    def check(got, where):
        bad = np.asarray(got).tobytes() != np.asarray(expected).tobytes()
        if bad:
            at = np.argwhere(got != expected)
            raise SystemExit(f"{where}: expected {expected}, but got {got} "
                             f"(first difference at {at[:1]})")
    return check


def matrix(array, kind, check=None, pad=0, offset=0):
    """[tokens, columns] with a stride; several tokens are a dynamic number."""
    m, k = array.shape
    tokens = 1 if m == 1 else "?"
    return Ref(array, kind, strides=[k + pad, 1], offset=offset, check=check,
               type=f"memref<{tokens}x{k}x{kind}, strided<[{k + pad}, 1], "
                    f"offset: ?>>")


def vector(array, kind, check=None, offset=0):
    tokens = 1 if len(array) == 1 else "?"
    return Ref(array, kind, offset=offset, check=check,
               type=f"memref<{tokens}x{kind}, strided<[1], offset: ?>>")


def quantize(x):
    # A NaN is no largest value, and its code is -128.
    largest = np.nan_to_num(np.abs(x), nan=0).max(axis=1)
    scale = f32(127) / np.maximum(largest, f32(1e-5))
    q = np.clip(np.rint(x * scale[:, None]), -128, 127)
    q = np.nan_to_num(q, nan=-128).astype(np.int8)
    return q, f32(1) / scale, q.sum(axis=1, dtype=np.int32)


def quantize_cases():
    for k in (1, 15, 16, 17, 64, 100, 257):
        for kind in ("normal", "zero", "tiny", "ties", "nan"):
            m = 3 if kind == "normal" else 1
            x = {"normal": random.standard_normal((m, k)),
                 "zero": np.zeros((m, k)),
                 "tiny": random.standard_normal((m, k)) * 1e-7,
                 "nan": np.where(np.arange(m * k) % 5 == 0, np.nan,
                                 1.5 - np.arange(m * k)).reshape(m, k),
                 # s is 1, and halves round to even.
                 "ties": np.arange(m * k).reshape(m, k) % 250 - 125 + 0.5,
                 }[kind].astype(f32)
            if kind == "ties":
                x[:, -1] = 127
            q, inverse, sums = quantize(x)
            padded = -(-k // 64) * 64
            codes = np.zeros((m, padded), np.int8)
            codes[:, :k] = q
            yield Case(f"quantize_{kind}_{k}",
                       "ternary.quantize %0 into %1, %2, %3 : "
                       "($0, $1, $2, $3) -> ()",
                       [matrix(x, "f32", offset=3),
                        matrix(np.full_like(codes, 99), "i8", equal(codes), 5,
                               7),
                        vector(np.zeros(m), "f32", equal(inverse), 2),
                        vector(np.zeros(m), "i32", equal(sums), 1)])


def sums_of(q, columns, step, size):
    """Sums of the activations of `columns` neighbours, padded to whole steps,
    with the digits of 0, 1, ... as weights; `size` entries each."""
    m, k = q.shape
    padded = np.zeros((m, -(-k // step) * step), np.int16)
    padded[:, :k] = q
    digits = (np.arange(3**columns)[:, None]
              // 3**np.arange(columns - 1, -1, -1) % 3 - 1)
    entries = np.zeros((m, padded.shape[1] // columns, size), np.int16)
    entries[:, :, :3**columns] = padded.reshape(m, -1, columns) @ digits.T
    return entries


def tables_tl1(q):
    entries = sums_of(q, 2, 4, 16)
    planes = np.stack([entries & 0xff, entries >> 8], axis=2)
    return planes.astype(np.uint8).view(np.int8).reshape(len(q), -1)


def tables_tl3(q):
    return sums_of(q, 3, 12, 32).view(np.int8).reshape(len(q), -1)


# Formats whose products of one token are looked up in tables.
TABLES = {"tl1": tables_tl1, "tl3": tables_tl3}


def activations(m, k):
    q = np.zeros((m, -(-k // 64) * 64), np.int8)
    q[:, :k] = random.integers(-128, 128, (m, k))
    return q


def table_cases():
    for name, tables_of in TABLES.items():
        for m, k in ((1, 64), (3, 100), (1, 192)):
            q = activations(m, k)
            tables = tables_of(q)
            yield Case(f"build_lut_{name}_{m}_{k}",
                       f"ternary.build_lut #ternary.{name}, %0 into %1 : "
                       "($0, $1) -> ()",
                       [matrix(q, "i8", offset=1),
                        matrix(np.full_like(tables, 99), "i8", equal(tables),
                               3)])


def rescale_cases():
    """With a scale for each row, or (`shared`) for each 16 rows."""
    for m, n, dynamic, shared in (
            (1, 64, 0, 0), (1, 1, 0, 0), (3, 17, 0, 0), (1, 100, 0, 0),
            (1, 37, 1, 0), (1, 5, 1, 0), (2, 48, 1, 0), (1, 64, 0, 1),
            (3, 17, 0, 1), (1, 100, 0, 1), (2, 5, 0, 1)):
        products = random.integers(-2**26, 2**26, (m, n)).astype(np.int32)
        inverse = random.random(m).astype(f32)
        rows = 16 if shared else 1
        scale = random.standard_normal(-(-n // rows)).astype(f32)
        y = products.astype(f32) * (inverse[:, None] *
                                    np.repeat(scale, rows)[:n])
        args = [matrix(products, "i32", pad=3, offset=2),
                vector(inverse, "f32"),
                Ref(scale, "f32"),
                matrix(np.zeros((m, n)), "f32", equal(y), 3, 6)]
        if dynamic:
            args[0].type = args[0].type.replace(f"x{n}x", "x?x")
            args[2].type = "memref<?xf32>"
            args[3].type = args[3].type.replace(f"x{n}x", "x?x")
        yield Case(f"rescale_{m}_{n}_{dynamic}_{shared}",
                   "ternary.rescale %0, %1, %2 into %3 : "
                   "($0, $1, $2, $3) -> ()", args)


def blocks(codes, rows, cols):
    """Codes (weight + 1) padded with zero weights, as [tiles, steps, rows of a
    tile, columns of a step]."""
    n, k = codes.shape
    full = np.ones((-(-n // rows) * rows, -(-k // cols) * cols), np.int64)
    full[:n, :k] = codes
    return full.reshape(len(full) // rows, rows, -1, cols).swapaxes(1, 2)


def pack_i2(codes):
    fields = blocks(codes, 64, 4).reshape(-1, 4, 16, 4)
    return (fields << np.array([0, 2, 4, 6]).reshape(4, 1, 1)).sum(axis=1)


def pack_t5(codes):
    digits = blocks(codes, 80, 4).reshape(-1, 5, 16, 4)
    v = (digits * 3 ** np.arange(4, -1, -1).reshape(5, 1, 1)).sum(axis=1)
    return -(-256 * v // 243)


def by_block(values, groups):
    """Rows 16 g + 4 b + t of the second axis become 4 (G b + g) + t."""
    return (values.reshape(len(values), groups, 4, 4, *values.shape[2:])
            .swapaxes(1, 2).reshape(values.shape))


def pack_tl1(codes):
    c = blocks(codes, 64, 4).reshape(-1, 64, 4)
    low, high = 3 * c[..., 0] + c[..., 1], 3 * c[..., 2] + c[..., 3]
    return by_block(low + 16 * high, 4)


def pack_tl2(codes):
    rows = blocks(codes, 48, 32).reshape(-1, 3, 16, 8, 4)
    c = (rows * 3 ** np.arange(3).reshape(3, 1, 1, 1)).sum(axis=1)
    c = np.moveaxis(c, 2, 0)
    x, y, z = c[5], c[6], c[7]
    upper = [x & 7, (z >> 3 & 1) + 2 * (x >> 3), y & 7,
             (z >> 4) + 2 * (y >> 3), z & 7]
    return np.stack([c[i] + 32 * upper[i] for i in range(5)], axis=1)


def pack_tl3(codes):
    trios = blocks(codes, 96, 12).reshape(-1, 3, 32, 4, 3)
    index = (trios * np.array([9, 3, 1])).sum(axis=-1)
    words = (index << np.array([0, 5, 10]).reshape(3, 1, 1)).sum(axis=1)
    words = by_block(words, 2).swapaxes(1, 2)
    return np.stack([words & 255, words >> 8], axis=-1)


FORMATS = {"i2": (pack_i2, 64), "t5": (pack_t5, 80), "tl1": (pack_tl1, 64),
           "tl2": (pack_tl2, 48), "tl3": (pack_tl3, 96)}


def matmul_cases(target):
    for name, (pack, rows) in FORMATS.items():
        if target in UNSUPPORTED.get(name, ()):
            continue
        for m, k in ((1, 1), (1, 9), (2, 64), (1, 257), (4, 100), (1, 1003)):
            n = 2 * rows - 5
            weights = random.integers(-1, 2, (n, k))
            q = activations(m, k)
            bytes = pack(weights + 1).astype(np.uint8).view(np.int8).ravel()
            expected = np.zeros((m, rows), np.int32)
            expected[:, :rows - 5] = (q[:, :k].astype(np.int32)
                                      @ weights[rows:].T)
            packed = f"!ternary.packed<%s x {k}, #ternary.{name}>"
            view = (f"%w = ternary.view %3 : $3 -> {packed % n}\n"
                    f"  %t = ternary.tile %w[%2] : {packed % n} -> "
                    f"{packed % rows}\n  ")
            products = Ref(np.zeros((m, rows)), "i32", check=equal(expected))
            sums = Ref(q.sum(axis=1, dtype=np.int32), "i32")
            op = ("ternary.matmul %0, %1, %t into %4 : "
                  f"($0, $1, {packed % rows}, $4) -> ()")
            yield Case(f"matmul_{name}_{m}_{k}", view + op,
                       [Ref(q, "i8"), sums, 1, Ref(bytes, "i8"), products])
            if name not in TABLES or m != 1:
                continue
            op = ("ternary.lut_matmul %0, %t into %4 : "
                  f"($0, {packed % rows}, $4) -> ()")
            products = Ref(np.zeros((m, rows)), "i32", check=equal(expected))
            yield Case(f"lut_matmul_{name}_{m}_{k}", view + op,
                       [Ref(TABLES[name](q), "i8"), sums, 1, Ref(bytes, "i8"),
                        products])


def run_target(target, args):
    triple, cpu, features = TARGETS[target]
    folder = pathlib.Path(args.folder) / target
    folder.mkdir(parents=True, exist_ok=True)
    cases = [*quantize_cases(), *table_cases(), *rescale_cases(),
             *matmul_cases(target)]
    source, lowered = folder / "cases.mlir", folder / "lowered.mlir"
    source.write_text(
        f'module attributes {{bitnet.target = {{triple = "{triple}", '
        f'cpu = "{cpu}", features = "{features}"}}}} {{\n'
        + "".join(case.mlir() for case in cases) + "}\n")
    isa = "x86" if triple.startswith("x86") else "aarch64"
    harness.run([args.opt, "--convert-ternary-to-vector",
                 f"--convert-micro-ops-to-{isa}", source, "-o", lowered])
    llvm = folder / "llvm.mlir"
    harness.run(["mlir-opt", *harness.TO_LLVM, lowered, "-o", llvm])
    harness.run(["mlir-translate", "--mlir-to-llvmir", llvm, "-o",
                 folder / "cases.ll"])
    harness.run(["opt", "-O3", f"-mtriple={triple}", f"-mcpu={cpu}",
                 f"-mattr={features}", folder / "cases.ll", "-o",
                 folder / "cases.bc"])
    harness.run(["llc", "-O3", "-filetype=obj", "-relocation-model=pic",
                 f"-mtriple={triple}", f"-mcpu={cpu}", f"-mattr={features}",
                 folder / "cases.bc", "-o", folder / "cases.o"])

    refs = [ref for case in cases for ref in case.refs()]
    (folder / "in.bin").write_bytes(b"".join(r.buffer.tobytes() for r in refs))
    functions, first = [], 0
    for case in cases:
        functions.append(case.c(first))
        first += len(case.refs())
    (folder / "main.c").write_text(harness.MAIN % {
        "count": len(refs),
        "sizes": ", ".join(str(r.buffer.nbytes) for r in refs),
        "functions": "".join(functions),
        "calls": "\n".join(f"  run_{case.name}();" for case in cases)})
    program, runner = folder / "cases", []
    flags = [f"--target={triple}"]
    if isa == "aarch64":
        flags, runner = [*flags, "-static"], [args.qemu]
    harness.run(["clang", *flags, "-fuse-ld=lld", "-O1", "-w",
                 folder / "main.c", folder / "cases.o", "-o", program])
    harness.run([*runner, program, folder / "in.bin", folder / "out.bin"])
    data = (folder / "out.bin").read_bytes()
    position = 0
    for case in cases:
        for i, ref in enumerate(case.refs()):
            end = position + ref.buffer.nbytes
            buffer = np.frombuffer(bytearray(data[position:end]),
                                   ref.array.dtype)
            ref.verify(buffer, f"{target}: {case.name}: {i}")
            position = end
    print(f"{target}: {len(cases)} cases agree")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--opt", default="bitnet-opt",
                        help="the tool that has convert-ternary-to-vector")
    parser.add_argument("--folder", required=True, help="for what it writes")
    parser.add_argument("--qemu", default="qemu-aarch64",
                        help="the command that runs aarch64 programs")
    parser.add_argument("targets", nargs="+", choices=TARGETS)
    args = parser.parse_args()
    for target in args.targets:
        run_target(target, args)


if __name__ == "__main__":
    main()
