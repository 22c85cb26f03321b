#!/usr/bin/env python3
"""Runs lowered bitnet kernels of odd sizes against references in NumPy.

What the dialect defines to the bit (order of sums, roundings) is compared to
the bit, the rest with its error bound.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import itertools

import harness
import numpy as np
from harness import Case, Ref

random = np.random.default_rng(20)
numbers = itertools.count()
WIDTHS = [1, 7, 16, 100, 257]
EPSILON = 2.0 ** -24  # half an ulp of 1 in f32


def normal(*shape):
    return random.standard_normal(shape).astype(np.float32)


def rows(array, check=None, pad=0, offset=0):
    """A [tokens, columns] memref: one static token, or a dynamic number."""
    m, k = array.shape
    tokens = 1 if m == 1 else "?"
    type = f"memref<{tokens}x{k}xf32, strided<[{k + pad}, 1], offset: ?>>"
    return Ref(array, strides=[k + pad, 1], offset=offset, type=type,
               check=check)


def result(expected, tolerance=0.0, pad=3, offset=5):
    """A destination that must come back as `expected`, to the bit or, in f64,
    with the absolute error `tolerance`."""
    def check(got, where):
        if got.shape != expected.shape:
            raise SystemExit(f"{where}: shape {got.shape}")
        if np.ndim(tolerance) == 0 and tolerance == 0:
            bad = got.view(np.int32) != expected.astype(np.float32).view(np.int32)
        else:
            error = np.abs(got.astype(np.float64) - expected)
            bad = ~(error <= tolerance)
        if bad.any():
            at = tuple(int(i[0]) for i in np.nonzero(bad))
            raise SystemExit(f"{where}: expected {expected[at]!r}, but got "
                             f"{got[at]!r} at {at}")
    return rows(np.full(expected.shape, np.nan), check, pad, offset)


def ulp(x):
    """The distance of f32 numbers at x."""
    return np.spacing(np.abs(x).astype(np.float32)).astype(np.float64)


def fma(a, b, c):
    """a * b + c rounded once (the product is exact in f64)."""
    return (a.astype(np.float64) * b + c).astype(np.float32)


def lane_sum(a, b):
    """Sum of a * b along the last axis in the order the dialect defines."""
    k = a.shape[-1]
    pad = [(0, 0)] * (a.ndim - 1) + [(0, -k % 16)]
    a, b = np.pad(a, pad), np.pad(b, pad)
    lanes = np.zeros(np.broadcast_shapes(a.shape, b.shape)[:-1] + (16,),
                     np.float32)
    for i in range(0, a.shape[-1], 16):
        lanes = fma(a[..., i:i + 16], b[..., i:i + 16], lanes)
    for width in (8, 4, 2, 1):
        lanes = lanes[..., :width] + lanes[..., width:]
    return lanes[..., 0]


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


def convert(array, kind):
    """`array` as it is stored in `kind`, and the f32 values of that."""
    if kind == "bf16":
        bits = (array.view(np.uint32) >> 16).astype(np.uint16)
        return bits, (bits.astype(np.uint32) << 16).view(np.float32)
    stored = array.astype(harness.DTYPES[kind])
    return stored, stored.astype(np.float32)


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
                   "bitnet.kv_store %0, %1, %2 at %3 : $0, $1, $2",
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


def head_cases():
    for k in WIDTHS + [48]:
        for m, count, kind in ((1, 16, "bf16"), (3, 5, "f32"), (3, 7, "f16")):
            stored, table = convert(normal(count, k), kind)
            x = normal(m, k)
            x_ref = rows(x)
            x_ref.type = f"memref<?x{k}xf32>"
            out = result(lane_sum(table[None], x[:, None]))
            out.type = out.type.replace("memref<1x", "memref<?x")
            yield Case(f"head_{m}x{k}x{count}_{kind}",
                       "bitnet.lm_head %0, %1 into %2 : ($0, $1, $2) -> ()",
                       [x_ref, Ref(stored, kind), out])


def dynamic(ref):
    """The same, for any number of tokens."""
    ref.type = ref.type.replace("memref<1x", "memref<?x")
    return ref


def raw(array, kind, check=None):
    """Bytes or floats of any number of tokens, with a gap between them."""
    m, k = array.shape
    return Ref(array, kind, strides=[k + 5, 1], offset=3, check=check,
               type=f"memref<?x{k}x{kind}, strided<[{k + 5}, 1], offset: ?>>")


def same(expected):
    """A check for equal bits; any NaN is equal to any other."""
    def check(got, where):
        bad = ~((got == expected) | ((got != got) & (expected != expected)))
        if got.shape != expected.shape or bad.any():
            at = tuple(int(i[0]) for i in np.nonzero(bad))
            raise SystemExit(f"{where}: expected {expected[at]!r}, but got "
                             f"{got[at]!r} at {at}")
    return check


def padded(k):
    return -(-k // 32) * 32


def fixed_point(x):
    """Digits and facts of hidden states, operation by operation."""
    one = np.float32
    m, k = x.shape
    largest = np.nanmax(np.abs(np.pad(x, [(0, 0), (0, 1)])), axis=1)
    zero = largest < 2.0 ** -100
    with np.errstate(all="ignore"):
        step = np.where(zero, one(0), largest / one(8191))
        inverse = np.where(zero, one(0), one(8191) / largest)
        code = np.rint(x * inverse[:, None])
        code = np.where(code > -8191, code, one(-8191))
        code = np.where(code < 8191, code, one(8191))
        rest = fma(-step[:, None], code, x)
        squares, errors = lane_sum(x, x), lane_sum(rest, rest)
        roundings = (-(-k // 16) + 8) * 2.0 ** -24
        widen = one(1 + roundings / (1 - roundings) + 2.0 ** -22)
        lengths = [np.sqrt(total) * widen + one(2.0 ** -60)
                   for total in (squares, errors)]
        for i, other in enumerate((np.nan, np.inf, np.inf)):
            (step, *lengths)[i][~(squares < 2.0 ** 120)] = other
    words = np.full((m, padded(k)), 8192)
    words[:, :k] += code.astype(int)
    digits = np.concatenate([words >> 7, words & 127], 1)
    return digits, np.stack([step, *lengths], 1)


def fixed_point_cases():
    for k in WIDTHS:
        for m, power in ((1, 0), (3, -73), (1, -140), (3, 50), (1, 60),
                         (4, -104)):
            x = normal(m, k) * np.float32(2.0 ** power)
            if m == 4:  # not finite, all zero, one large
                x[0, k // 2], x[1, -1], x[2] = np.nan, -np.inf, 0
                x[3, k // 3] = 1
            digits, facts = fixed_point(x)
            yield Case(f"fixed_{m}x{k}_{power % 256}",
                       "bitnet.fixed_point %0 into %1, %2 : "
                       "($0, $1, $2) -> ()",
                       [dynamic(rows(x)),
                        raw(np.zeros_like(digits), "i8",
                            same(digits.astype(np.int8))),
                        raw(np.zeros_like(facts), "f32", same(facts))])


def tile_int8(table):
    """Rows in tiles of 16, four columns of each after the other."""
    count, k = table.shape
    tiles = np.zeros((-(-count // 16) * 16, padded(k)), np.int8)
    tiles[:count, :k] = table
    return tiles.reshape(-1, 16, padded(k) // 4, 4).transpose(
        0, 2, 1, 3).reshape(-1, 16 * padded(k))


def tile_int4(table, scales):
    """Groups of 32 columns: 16 scales (bf16), then four times 16 rows of four
    columns in lower and the next four in upper halves."""
    count, k = table.shape
    tiles = np.zeros((-(-count // 16) * 16, padded(k)), np.int8)
    tiles[:count, :k] = table
    groups = padded(k) // 32
    halves = (tiles & 15).astype(np.uint8).reshape(-1, 16, groups, 4, 2, 4)
    steps = (halves[..., 0, :] | halves[..., 1, :] << 4).transpose(
        0, 2, 3, 1, 4).reshape(-1, groups, 256)
    words = np.zeros((tiles.shape[0], groups), np.uint16)
    words[:count] = scales
    words = words.reshape(-1, 16, groups).transpose(0, 2, 1).copy()
    return np.concatenate([words.view(np.uint8).reshape(-1, groups, 32), steps],
                          2).reshape(-1, groups * 288).view(np.int8)


def tile_facts(count, *vectors):
    """Facts of rows, 16 of each kind a tile."""
    facts = np.zeros((len(vectors), -(-count // 16) * 16), np.float32)
    for fact, values in zip(facts, vectors):
        fact[:count] = values
    return facts.reshape(len(vectors), -1, 16).transpose(1, 0, 2).reshape(
        facts.shape[1] // 16, -1)


# Tokens and rows: less than a tile, whole ones, two and more side by side.
HEADS = [(1, 16), (3, 40), (1, 7), (5, 64), (9, 83), (2, 1)]


def screen_cases():
    for k in WIDTHS:
        for m, count in HEADS:
            table = random.integers(-127, 128, (count, k))
            scale, bound, length = (normal(count) ** 2 for _ in range(3))
            bound[count // 2] = np.inf
            digits, facts = fixed_point(normal(m, k))
            if m > 4:
                facts[2, 0] = np.nan
            whole = digits[:, :k] * 128 + digits[:, padded(k):][:, :k] - 8192
            step, states, errors = facts.astype(np.float64).T[:, :, None]
            logits = whole @ table.T * (scale.astype(np.float64) * step)
            slack = states * bound + errors * length
            lower = np.pad((logits - slack).astype(np.float32),
                           [(0, 0), (0, -count % 16)], constant_values=-np.inf)
            lower = np.where(np.isnan(lower), -np.inf, lower)
            peaks = lower.reshape(m, -1, 16).max(axis=2)
            upper = (logits + slack).astype(np.float32)
            row_facts = tile_facts(count, scale, table.sum(1), bound, length)
            row_facts[-1, 32:48][count % 16 or 16:] = np.inf
            yield Case(f"screen_{m}x{k}x{count}",
                       "bitnet.screen_head %0, %1, %2, %3 into %4, %5 : "
                       "($0, $1, $2, $3, $4, $5) -> ()",
                       [raw(digits, "i8"), raw(facts, "f32"),
                        Ref(tile_int8(table), "i8"), Ref(row_facts),
                        raw(np.zeros_like(upper), "f32", same(upper)),
                        raw(np.zeros_like(peaks), "f32", same(peaks))])


def integer_head_cases():
    for k in WIDTHS:
        for m, count in HEADS:
            digits, facts = fixed_point(normal(m, k))
            words = digits[:, :padded(k)] * 128 + digits[:, padded(k):]
            step = facts[:, :1]
            table = random.integers(-127, 128, (count, k))
            scale = normal(count) ** 2
            sums = (words[:, :k] - 8192) @ table.T
            logits = sums * (scale.astype(np.float64) * step)
            yield integer_head(8, digits, facts, tile_int8(table),
                               tile_facts(count, scale, table.sum(1), scale,
                                          scale),
                               logits.astype(np.float32))
            table = random.integers(-8, 8, (count, padded(k)))
            table[:, k:] = 0
            stored, scales = convert(normal(count, padded(k) // 32), "bf16")
            sum = normal(count)
            total = np.zeros((m, count), np.float32)
            for g in range(padded(k) // 32):
                part = slice(g * 32, g * 32 + 32)
                group = words[:, part] @ (16 * table[:, part].T)
                total = fma(scales[:, g], group.astype(np.float32), total)
            total = fma(np.float32(-8192), sum, total)
            yield integer_head(4, digits, facts, tile_int4(table, stored),
                               tile_facts(count, sum), total * step)


def integer_head(bits, digits, facts, table, row_facts, logits):
    m, count = logits.shape
    return Case(f"int{bits}_{m}x{digits.shape[1] // 2}x{count}_"
                f"{next(numbers)}",
                "bitnet.integer_head %0, %1, %2, %3 into %4 "
                f"bits {bits} : ($0, $1, $2, $3, $4) -> ()",
                [raw(digits, "i8"), raw(facts, "f32"), Ref(table, "i8"),
                 Ref(row_facts),
                 raw(np.zeros_like(logits), "f32", same(logits))])


def kth_cases():
    for k in WIDTHS:
        for m, count in ((3, 1), (3, 2), (1, k), (1, k + 3), (3, 1 << 40)):
            x = normal(m, k)
            x[0, ::3] = np.float32(0.25)  # ties
            x[0, ::7] = -0.0
            x[-1, ::5] = -np.inf
            x[-1, 1::9] = np.nan
            finite = -np.sort(-np.where(np.isnan(x), -np.inf, x), axis=1)
            kth = (finite[:, count - 1:count] if count <= k
                   else np.full((m, 1), -np.inf, np.float32))
            # The sign of a zero is left open: compared as numbers.
            expected = kth + np.float32(0)
            yield Case(f"kth_{m}x{k}_{count}",
                       "bitnet.kth_largest %0, %1 into %2 : ($0, $1, $2) -> ()",
                       [rows(x), count, result(expected)])


def rescore_cases():
    for k in WIDTHS:
        for m, count, kind in ((1, 16, "bf16"), (3, 5, "f32"), (3, 7, "f16")):
            stored, table = convert(normal(count, k), kind)
            x, upper = normal(m, k), normal(m, count)
            upper[:, 1] = np.nan
            threshold = normal(m, 1) + 1
            threshold[0] = upper[0, 0]
            logits = lane_sum(table[None], x[:, None])
            logits[upper < threshold] = -np.inf
            yield Case(f"rescore_{m}x{k}x{count}_{kind}",
                       "bitnet.rescore_head %0, %1, %2, %3 into %4 : "
                       "($0, $1, $2, $3, $4) -> ()",
                       [dynamic(rows(x)), Ref(stored, kind),
                        dynamic(rows(upper)), dynamic(rows(threshold)),
                        dynamic(result(logits))])


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
        head_cases, fixed_point_cases, screen_cases, integer_head_cases,
        kth_cases, rescore_cases)
        for case in family()]
    results = harness.run_cases(cases, args.opt, args.folder, args.targets,
                                args.qemu)
    check_attention_parts(results)


if __name__ == "__main__":
    main()
