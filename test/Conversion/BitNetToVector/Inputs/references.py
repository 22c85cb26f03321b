"""What the cases of lowered kernels share: random data, references, checks.

SPDX-License-Identifier: Apache-2.0
"""
import itertools

import harness
import numpy as np
from harness import Ref

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


def convert(array, kind):
    """`array` as it is stored in `kind`, and the f32 values of that."""
    if kind == "bf16":
        bits = (array.view(np.uint32) >> 16).astype(np.uint16)
        return bits, (bits.astype(np.uint32) << 16).view(np.float32)
    stored = array.astype(harness.DTYPES[kind])
    return stored, stored.astype(np.float32)
