"""Compiles lowered kernels for several targets, runs them and compares.

A case is a function of memrefs and indices. Its buffers end at a page that
cannot be accessed, so that reading or writing behind them is a crash; whatever
lies between the elements of a memref must come back unchanged; and all targets
must return the same bits.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import shlex
import subprocess

import numpy as np

# What the passes after convert-bitnet-to-vector do, in short.
TO_LLVM = ["--llvm-request-c-wrappers", "--convert-scf-to-cf",
           "--expand-strided-metadata", "--lower-affine", "--convert-to-llvm",
           "--reconcile-unrealized-casts"]
# The target of each name: triple, CPU and features; clang's flags.
TARGETS = {
    "x86-64-v3": ("x86_64-unknown-linux-gnu", "x86-64-v3", "",
                  ["-march=x86-64-v3"]),
    "x86-64-v4": ("x86_64-unknown-linux-gnu", "x86-64-v4", "",
                  ["-march=x86-64-v4"]),
    "avx512vnni": ("x86_64-unknown-linux-gnu", "x86-64-v4", "+avx512vnni",
                   ["-march=x86-64-v4", "-mavx512vnni"]),
    "aarch64": ("aarch64-unknown-linux-gnu", "generic", "+v8.2a,+dotprod",
                ["-march=armv8.2-a+dotprod", "-static"]),
}
MARKER = 0xA5
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16,
          "i32": np.int32, "i8": np.int8}


class Ref:
    """A memref argument: an array, where it lies in its buffer, and `check`,
    which takes the array as it came back (None: it must not change)."""

    def __init__(self, array, kind="f32", strides=None, offset=0, type=None,
                 check=None):
        self.array = np.ascontiguousarray(array, DTYPES[kind])
        self.check = check
        shape = self.array.shape
        if strides is None:
            strides = [int(np.prod(shape[i + 1:])) for i in range(len(shape))]
        self.strides, self.offset = strides, offset
        size = offset + 1 + sum((n - 1) * s for n, s in zip(shape, strides))
        self.buffer = np.full(size * self.array.itemsize, MARKER,
                              np.uint8).view(self.array.dtype)
        self.view(self.buffer)[...] = self.array
        self.type = type or "memref<%s%s>" % (
            "".join(f"{n}x" for n in shape), kind)

    def view(self, buffer):
        size = self.array.itemsize
        return np.lib.stride_tricks.as_strided(
            buffer[self.offset:], self.array.shape,
            [s * size for s in self.strides])

    def verify(self, buffer, where):
        """Checks the buffer that came back."""
        result = self.view(buffer).copy()
        if self.check:
            self.check(result, where)
            self.view(buffer)[...] = self.array
        if buffer.tobytes() != self.buffer.tobytes():
            raise SystemExit(f"{where}: wrote outside of its destination")
        return result


class Case:
    """`op` is the operation's text with %0, %1, ... for `args`, each a Ref or
    an int (an index)."""

    def __init__(self, name, op, args):
        self.name, self.op, self.args = name, op, args

    def refs(self):
        return [a for a in self.args if isinstance(a, Ref)]

    def mlir(self):
        params, op = [], self.op
        for i, arg in reversed(list(enumerate(self.args))):
            type = arg.type if isinstance(arg, Ref) else "index"
            params.insert(0, f"%a{i}: {type}")
            op = op.replace(f"%{i}", f"%a{i}").replace(f"${i}", type)
        return (f"func.func @{self.name}({', '.join(params)}) {{\n"
                f"  {op}\n  return\n}}\n")

    def c(self, first):
        """A C function that calls the case on buffers first, first + 1, ..."""
        lines, names, params = [], [], []
        for i, arg in enumerate(self.args):
            if not isinstance(arg, Ref):
                names.append(f"{arg}LL")
                params.append("long long")
                continue
            rank = arg.array.ndim
            sizes = ", ".join(map(str, arg.array.shape))
            strides = ", ".join(map(str, arg.strides))
            lines.append(
                f"  struct {{ void *base, *data; long long offset, "
                f"sizes[{rank}], strides[{rank}]; }} m{i} = {{buffers[{first}],"
                f" buffers[{first}], {arg.offset}, {{{sizes}}}, {{{strides}}}}};")
            names.append(f"&m{i}")
            params.append("void *")
            first += 1
        return (f"void _mlir_ciface_{self.name}({', '.join(params)});\n"
                f"static void run_{self.name}(void) {{\n" + "\n".join(lines)
                + f"\n  _mlir_ciface_{self.name}({', '.join(names)});\n}}\n")


MAIN = """
#include <stdio.h>
#include <sys/mman.h>
static void *buffers[%(count)d];
static const long sizes[] = {%(sizes)s};
%(functions)s
int main(int argc, char **argv) {
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  for (int i = 0; i < %(count)d; ++i) {
    long page = 65536, mapped = (sizes[i] + page - 1) / page * page;
    char *base = mmap(0, mapped + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + mapped, page, PROT_NONE))
      return 2;
    buffers[i] = base + mapped - sizes[i];
    if (fread(buffers[i], 1, sizes[i], in) != sizes[i])
      return 3;
  }
%(calls)s
  for (int i = 0; i < %(count)d; ++i)
    if (fwrite(buffers[i], 1, sizes[i], out) != sizes[i])
      return 4;
  return fclose(out);
}
"""


def run(command, **options):
    done = subprocess.run([str(part) for part in command], text=True,
                          stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                          **options)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, command))}: exit code "
                         f"{done.returncode}\n{done.stderr[-4000:]}")
    return done.stdout


def run_cases(cases, opt, folder, targets, qemu):
    """Runs `cases` on each of `targets` (of TARGETS; "aarch64" through `qemu`),
    checks every result and that all targets agree."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    refs = [ref for case in cases for ref in case.refs()]
    (folder / "in.bin").write_bytes(b"".join(r.buffer.tobytes() for r in refs))
    functions, first = [], 0
    for case in cases:
        functions.append(case.c(first))
        first += len(case.refs())
    (folder / "main.c").write_text(MAIN % {
        "count": len(refs),
        "sizes": ", ".join(str(r.buffer.nbytes) for r in refs),
        "functions": "".join(functions),
        "calls": "\n".join(f"  run_{case.name}();" for case in cases)})

    first_results = None
    for target in targets:
        lower(cases, opt, folder, target)
        results = run_target(cases, folder, target, qemu)
        first_results = first_results or results
        for case, a, b in zip(cases, first_results, results):
            for x, y in zip(a, b):
                if x.tobytes() != y.tobytes():
                    raise SystemExit(f"{case.name}: {targets[0]} and {target} "
                                     f"differ")
        print(f"{target}: {len(cases)} cases agree")
    return {case.name: r for case, r in zip(cases, first_results)}


def lower(cases, opt, folder, target):
    """Writes the LLVM IR of `cases` for `target`."""
    triple, cpu, features, _ = TARGETS[target]
    source = folder / f"cases-{target}.mlir"
    source.write_text(
        f'module attributes {{bitnet.target = {{triple = "{triple}", '
        f'cpu = "{cpu}", features = "{features}"}}}} {{\n'
        + "".join(case.mlir() for case in cases) + "}\n")
    lowered, llvm = (folder / f"{name}-{target}.mlir"
                     for name in ("lowered", "llvm"))
    run([opt, "--convert-bitnet-to-vector", "--convert-micro-ops-to-x86",
         "--convert-micro-ops-to-aarch64", source, "-o", lowered])
    run(["mlir-opt", "--allow-unregistered-dialect", *TO_LLVM, lowered, "-o",
         llvm])
    run(["mlir-translate", "--allow-unregistered-dialect", "--mlir-to-llvmir",
         llvm, "-o", folder / f"cases-{target}.ll"])


def run_target(cases, folder, target, qemu):
    """The arrays of every case as `target` leaves them, checked."""
    program = folder / f"cases-{target}"
    triple, _, _, flags = TARGETS[target]
    runner = [qemu] if target == "aarch64" else []
    run(["clang", f"--target={triple}", *flags, "-fuse-ld=lld", "-O3", "-w",
         folder / f"cases-{target}.ll", folder / "main.c", "-o", program])
    out = folder / f"out-{target}.bin"
    run([*runner, program, folder / "in.bin", out])
    data = out.read_bytes()
    position, results = 0, []
    for case in cases:
        arrays = []
        for i, ref in enumerate(case.refs()):
            end = position + ref.buffer.nbytes
            buffer = np.frombuffer(bytearray(data[position:end]),
                                   ref.array.dtype)
            arrays.append(ref.verify(buffer, f"{target}: {case.name}: {i}"))
            position = end
        results.append(arrays)
    return results
