#!/usr/bin/env python3
"""Runs lowered bitnet kernels of odd sizes against references in NumPy.

What the dialect defines to the bit (order of sums, roundings) is compared to
the bit, the rest with its error bound.

SPDX-License-Identifier: Apache-2.0
"""
import argparse

import harness
import heads
import numpy as np
from harness import Case, Ref
from references import *


def add_cases():
    for k in WIDTHS:
        for m in (1, 3):
            a, b = normal(m, k), normal(m, k)
            yield Case(f"add_{m}x{k}",
                       "bitnet.add %0, %1 into %2 : ($0, $1, $2) -> ()",
                       [rows(a, pad=2), rows(b), result(a + b)])


def norm_cases():
    one, eps = np.float32(1), np.float32(1e-5)
    # One rounding more or less in a sum is seldom seen behind the root: the
    # long rows are there to see it.
    for k in WIDTHS + [4099]:
        for m, kind in ((1, "f32"), (9, "bf16"), (1, "f16")):
            x, gain = normal(m, k), normal(k)
            stored, gain = convert(gain, kind)
            mean = lane_sum(x, x) / np.float32(k)
            inverse = one / np.sqrt(mean + eps)
            yield Case(f"rms_norm_{m}x{k}_{kind}",
                       "bitnet.rms_norm %0, %1 into %2 eps 1.0e-05 : "
                       "($0, $1, $2) -> ()",
                       [rows(x), Ref(stored, kind),
                        result(gain * (x * inverse[:, None]))])


def embedding_cases():
    for k in WIDTHS:
        for m, kind in ((1, "bf16"), (3, "f32"), (1, "f16")):
            stored, table = convert(normal(11, k), kind)
            tokens = random.integers(0, 11, m)
            type = f"memref<{1 if m == 1 else '?'}xi32, strided<[1], offset: ?>>"
            yield Case(f"embedding_{m}x{k}_{kind}",
                       "bitnet.embedding %0, %1 into %2 : ($0, $1, $2) -> ()",
                       [Ref(tokens, "i32", offset=2, type=type),
                        Ref(stored, kind), result(table[tokens])])


def activation_cases():
    for k in WIDTHS:
        for m in (1, 3):
            x, up = normal(m, k) * 8, normal(m, k)
            x.flat[0] = (-105 if m == 1 else 95)  # e^-x beyond f32; e^-95 = 0
            for kind in ("silu", "relu2"):
                yield activation_case(f"{kind}_{m}x{k}", kind, x, up)
    # e^x alone: silu(x) / x = 1 / (1 + e^-x) over all magnitudes.
    x = np.linspace(-88, 88, 4099, dtype=np.float32)[None, :]
    yield activation_case("silu_sweep", "silu", x, np.ones_like(x))


def activation_case(name, kind, x, up):
    wide = x.astype(np.float64)
    if kind == "relu2":
        positive = np.maximum(x, np.float32(0))
        expected, tolerance = positive * positive * up, 0
    else:
        # Four roundings and e^x (1.02 ulp); below e^-87 numbers are denormal.
        expected = wide / (1 + np.exp(-wide)) * up
        tolerance = np.abs(expected) * 5 * EPSILON + 1e-37
    return Case(name, f"bitnet.gated_act {kind} %0, %1 into %2 : "
                "($0, $1, $2) -> ()",
                [rows(x), rows(up), result(expected, tolerance)])


def rope_cases():
    for dim in (2, 24, 100, 128):
        for m in (1, 3):
            x, angles = normal(m, 3 * dim), normal(m, dim)
            c, s = angles[:, None, :dim // 2], angles[:, None, dim // 2:]
            heads = x.reshape(m, 3, dim)
            a, b = heads[..., :dim // 2], heads[..., dim // 2:]
            y = np.concatenate([a * c - b * s, b * c + a * s], -1)
            yield Case(f"rope_{m}x{dim}",
                       "bitnet.rope %0, %1 into %2 : ($0, $1, $2) -> ()",
                       [rows(x), rows(angles), result(y.reshape(m, 3 * dim))])


def angle_cases():
    for dim, m, position in ((100, 1, 0), (24, 1, 131072), (2, 3, 77),
                             (100, 1500, 0), (66, 1500, 129600)):
        # From 1 down, as rotary frequencies are, but with all their bits.
        f = (10000.0 ** -random.random(dim // 2)).astype(np.float32)
        f[0] = 1
        p = np.arange(position, position + m).astype(np.float32)
        angle = (p[:, None] * f[None, :]).astype(np.float64)
        expected = np.concatenate([np.cos(angle), np.sin(angle)], -1)
        yield Case(f"angles_{m}x{dim}_{position}",
                   "bitnet.rope_angles %0, %1 into %2 : ($0, $1, $2) -> ()",
                   [position, Ref(f),
                    result(expected, 0.51 * ulp(expected))])


BLOCK, PART = 16, 256  # positions of a row of the cache, of a part of attention


def empty_cache(heads, positions, dim, kind):
    """One layer in memory, [2, heads, blocks, row]; what is not set is NaN, or
    any byte."""
    row = BLOCK * dim + (4 * BLOCK if kind == "i8" else 0)
    shape = (2, heads, -(-positions // BLOCK), row)
    if kind == "i8":
        memory = random.integers(-128, 128, shape).astype(np.int8)
        memory[..., BLOCK * dim:] = -1  # NaN
        return memory
    return np.full(shape, np.nan, harness.DTYPES[kind])


def set_cache(memory, dim, half, position, rows):
    """Writes keys or values [heads, dim] of one position as the dialect defines
    and returns the numbers they are rounded to, exactly."""
    block, index = divmod(position, BLOCK)
    cells = memory[half, :, block, :BLOCK * dim]
    cells = (cells.reshape(-1, dim, BLOCK)[:, :, index] if half == 0
             else cells.reshape(-1, BLOCK, dim)[:, index])
    scale = np.ones(len(rows))
    if memory.dtype == np.int8:
        top = np.maximum(np.abs(rows).max(-1), np.float32(2.0 ** -60))
        rows = np.rint(rows * (np.float32(127) / top)[:, None])
        scale = top / np.float32(127)
        at = BLOCK * dim + 4 * index
        memory[half, :, block, at:at + 4] = scale[:, None].view(np.int8)
    cells[...] = rows
    return cells.astype(np.float64) * scale[:, None]


def fill_cache(cache, kind):
    """A layer with the keys and values of `cache` [2, heads, positions, dim],
    and the numbers in it."""
    _, heads, positions, dim = cache.shape
    memory, exact = empty_cache(heads, positions, dim, kind), cache.astype("d")
    for half in (0, 1):
        for p in range(positions):
            exact[half, :, p] = set_cache(memory, dim, half, p,
                                          cache[half, :, p])
    return memory, exact


def cache_ref(memory, kind, check=None):
    """An argument of that layer, its heads spaced apart."""
    _, heads, blocks, row = memory.shape
    strides = [heads * (blocks + 2) * row, (blocks + 2) * row, row, 1]
    return Ref(memory, kind, strides, offset=7, check=check,
               type=f"memref<2x{heads}x?x{row}x{kind}, "
                    f"strided<[?, ?, {row}, 1], offset: ?>>")


def store_cases():
    for dim, heads, m, position, kind in (
            (24, 2, 1, 4, "f32"), (100, 1, 3, 15, "f16"), (16, 3, 1, 0, "f16"),
            (7, 1, 3, 30, "f32"), (128, 2, 3, 14, "i8"), (20, 1, 1, 31, "i8")):
        memory = empty_cache(heads, 40, dim, kind)
        keys, values = normal(m, heads * dim), normal(m, heads * dim)
        keys[0, :dim] = 0
        expected = memory.copy()
        for half, source in enumerate((keys, values)):
            for t in range(m):
                set_cache(expected, dim, half, position + t,
                          source[t].reshape(heads, dim))

        def check(got, where, expected=expected):
            if got.tobytes() != expected.tobytes():
                raise SystemExit(f"{where}: wrong cache")
        yield Case(f"store_{m}x{heads}x{dim}_{kind}",
                   "bitnet.kv_store %0, %1, %2 at %3 : $0, $1, $2, $3",
                   [rows(keys), rows(values), cache_ref(memory, kind, check),
                    position])


def attention_cases():
    for dim, heads, kv_heads, m, position, kind in (
            (24, 2, 2, 1, 0, "f32"), (100, 5, 1, 1, 2, "f32"),
            (128, 4, 1, 1, 63, "f32"), (128, 4, 1, 1, 64, "f16"),
            (128, 8, 1, 1, 300, "i8"), (64, 1, 1, 1, 511, "f32"),
            (64, 2, 1, 1, 512, "i8"), (24, 6, 1, 3, 299, "f32"),
            (100, 8, 2, 3, 126, "f16"), (64, 1, 1, 37, 240, "f32"),
            (32, 6, 2, 9, 250, "i8"), (128, 4, 1, 17, 254, "f32"),
            (2, 1, 1, 3, 61, "f32")):
        positions = position + m
        cache = normal(2, kv_heads, positions, dim)
        memory, exact = fill_cache(cache, kind)
        queries = normal(m, heads * dim) * 3
        expected, tolerance = attend(queries, exact, heads, position)
        name = f"attention_{m}x{heads}x{kv_heads}x{dim}_{position}_{kind}"
        op = f"bitnet.attention %0, %1 at %2 into %3 heads {heads} : " \
             "($0, $1, $2, $3) -> ()"
        yield Case(name, op, [rows(queries, pad=1), cache_ref(memory, kind),
                              position, result(expected, tolerance)])
        # The first and last token, a key-value head and a part at a time:
        # check_attention_parts compares.
        group = heads // kv_heads
        for t in sorted({0, m - 1}):
            for h in sorted({0, kv_heads - 1}):
                part = slice(h * group * dim, (h + 1) * group * dim)
                n = position + t + 1
                own = memory[:, h:h + 1, :-(-n // BLOCK)]
                yield Case(f"{name}__{t}_{h}",
                           attention_in_parts(group, group * dim, n), [
                               rows(queries[t:t + 1, part]),
                               cache_ref(own, kind), position + t,
                               result(expected[t:t + 1, part], tolerance)])


def exponential_cases():
    """e^x alone: with scores 0 and x and values 0 and 1, the sum is e^x."""
    # All numbers up to where the result is 0, and the smallest.
    x = np.concatenate([np.linspace(-105, 0, 7000), -2.0 ** -np.arange(30.0),
                        np.linspace(-0.4, 0, 1000)]).astype(np.float32)
    cache = np.zeros((2, len(x), 2, 1), np.float32)
    cache[0, :, 1, 0], cache[1, :, 1, 0] = x, 1
    memory, _ = fill_cache(cache, "f32")
    wide = np.exp(x.astype(np.float64))
    # Below the normal numbers the unit stays, and two roundings share it.
    tolerance = np.where(wide < 2.0 ** -126, 1.5, 1.02) * ulp(wide)
    tolerance[x <= -104] = 2.0 ** -149  # zero
    yield Case("exponential", "%states = memref.alloca() : "
               f"memref<1x{2 * len(x)}xf32>\n  "
               "bitnet.attention_part %0, %1 at %2 part %3 into %4, %states "
               f"heads {len(x)} : ($0, $1, $2, $3, $4, "
               f"memref<1x{2 * len(x)}xf32>) -> ()",
               [rows(np.ones((1, len(x)), np.float32)),
                cache_ref(memory, "f32"), 1, 0, result(wide[None], tolerance)])


def attention_in_parts(heads, columns, positions):
    """Text of operations on %0..%3 as those of bitnet.attention."""
    parts = -(-positions // PART)
    sums, states = (f"memref<{parts}x{n}xf32>" for n in (columns, 2 * heads))
    lines = [f"%sums = memref.alloca() : {sums}",
             f"%states = memref.alloca() : {states}"]
    for i in range(parts):
        types = []
        for name, type, n in (("sums", sums, columns),
                              ("states", states, 2 * heads)):
            offset = f", offset: {i * n}" if i else ""
            types.append(f"memref<1x{n}xf32, strided<[{n}, 1]{offset}>>")
            lines.append(f"%{name}_{i} = memref.subview %{name}[{i}, 0] "
                         f"[1, {n}] [1, 1] : {type} to {types[-1]}")
        lines.append(f"%part_{i} = arith.constant {i} : index")
        lines.append(
            f"bitnet.attention_part %0, %1 at %2 part %part_{i} into "
            f"%sums_{i}, %states_{i} heads {heads} : "
            f"($0, $1, $2, index, {', '.join(types)}) -> ()")
    lines.append(f"bitnet.attention_merge %sums, %states at %2 into %3 heads "
                 f"{heads} : ({sums}, {states}, $2, $3) -> ()")
    return "\n  ".join(lines)


def attend(queries, cache, heads, position):
    """Causal attention in f64 and a bound of the error in f32."""
    m, (_, kv_heads, _, dim) = len(queries), cache.shape
    q = queries.reshape(m, heads, dim).astype(np.float64)
    keys, values = np.repeat(cache, heads // kv_heads, 1)
    out = np.empty((m, heads, dim))
    largest = 0.0
    for t in range(m):
        n = position + t + 1
        scores = np.einsum("hd,hpd->hp", q[t], keys[:, :n]) / np.sqrt(dim)
        largest = max(largest, np.abs(scores).max())
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        out[t] = np.einsum("hp,hpd->hd", weights, values[:, :n])
    # Scores have the relative error of some roundings, which the exponential
    # turns into an error of the weights; the values are bounded by the largest.
    bound = (8 * largest + 16) * EPSILON * np.abs(values).max()
    return out.reshape(m, -1), bound


def check_attention_parts(results):
    """Attention of one token and one key-value head has the bits it has among
    others."""
    compared = 0
    for name, arrays in results.items():
        whole, _, part = name.partition("__")
        if not part:
            continue
        token, head = map(int, part.split("_"))
        expected, got = results[whole][-1][token], arrays[-1][0]
        expected = expected[head * got.size:(head + 1) * got.size]
        if expected.tobytes() != got.tobytes():
            raise SystemExit(f"{name}: differs from {whole}")
        compared += 1
    print(f"attention of {compared} parts agrees with the whole")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--opt", default="bitnet-opt",
                        help="the tool that has convert-bitnet-to-vector")
    parser.add_argument("--folder", required=True, help="for what it writes")
    parser.add_argument("--qemu", default="qemu-aarch64",
                        help="the command that runs aarch64 programs")
    parser.add_argument("targets", nargs="+",
                        choices=harness.TARGETS, help="targets of the harness")
    args = parser.parse_args()
    cases = [case for family in (
        add_cases, norm_cases, embedding_cases, activation_cases, rope_cases,
        angle_cases, store_cases, attention_cases, exponential_cases,
        heads.head_cases, heads.fixed_point_cases, heads.screen_cases,
        heads.integer_head_cases, heads.kth_cases, heads.rescore_cases)
        for case in family()]
    results = harness.run_cases(cases, args.opt, args.folder, args.targets,
                                args.qemu)
    check_attention_parts(results)


if __name__ == "__main__":
    main()
