"""Cases of output heads: floats, sketches, integers.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
from harness import Case, Ref
from references import *


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


def tile_int7(table):
    """Even numbers; of eight steps the last one in the lowest bits of seven."""
    steps = tile_int8(table).view(np.uint8).reshape(
        -(-len(table) // 16), -1, 8, 64)
    rest = steps[:, :, 7:] >> np.arange(7, 0, -1, dtype=np.uint8)[:, None] & 1
    return (steps[:, :, :7] | rest).reshape(len(steps), -1).view(np.int8)


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
            table = 2 * random.integers(-63, 64, (count, k))
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
                        Ref(tile_int7(table), "i8"), Ref(row_facts),
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
