#!/usr/bin/env python3
"""Compares logits (NumPy files) and generated token ids with expected ones.

    compare_logits.py ACTUAL.npy EXPECTED.npy [--tolerance T]
                      [--ids ACTUAL EXPECTED]

Logits must have the same shape and differ by at most T standard deviations of
the expected logits, each of them. Exit status 0 and one line of numbers if so;
1 and what differs most, where, if not.

Why a tolerance, and which. Between two correct float32 implementations sums
differ in their last bits, which after a few layers is 1e-6 to 1e-5 of the
standard deviation of the logits (the reference is within 2e-6 of transformers
on all goldens). But BitLinear rounds activations to integers: where a value
lies within those last bits of a half, one implementation rounds up and the
other down, and the input of that layer changes by a whole step, 1/127 of the
token's largest activation. That step reaches all outputs, where it moves other
values over other halves. Measured on the goldens, one flip of one activation
in a random place of the prompt's pass moves the logits by 4e-2 (median) and
at most 1.4e-1 standard deviations; such tiny models, with 64 to 100 inputs
per output, are the worst case. So

  - 1e-3 (the default) accepts last bits and almost no flip. It is right where
    the expected logits are known not to hang on a rounding (the seeds of the
    goldens are chosen so, see their golden.json).
  - 2e-1 accepts flips. It still finds a wrong norm, activation or pairing in
    RoPE (1 and more), but not a slightly wrong rounding (2e-1): use it only
    beside a comparison of integers or of a golden.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import sys

import numpy


def compare_logits(actual_path, expected_path, tolerance):
    """None if the logits agree, or a text that says how they differ."""
    actual, expected = numpy.load(actual_path), numpy.load(expected_path)
    if actual.dtype != numpy.float32:
        return f"{actual_path}: expected float32, but got {actual.dtype}"
    if actual.shape != expected.shape:
        return (f"{actual_path}: expected shape {expected.shape}, but got "
                f"{actual.shape}")
    if not numpy.isfinite(actual).all():
        row, column = numpy.argwhere(~numpy.isfinite(actual))[0]
        return (f"{actual_path}: position {row}, token {column}: expected a "
                f"finite logit, but got {actual[row, column]}")
    actual = actual.astype(numpy.float64)
    expected = expected.astype(numpy.float64)
    error = numpy.abs(actual - expected)
    deviation = expected.std()
    worst = numpy.unravel_index(error.argmax(), error.shape)
    numbers = (f"largest error {error.max():.3g} absolute, "
               f"{error.max() / deviation:.3g} of the standard deviation "
               f"{deviation:.3g}")
    if error.max() <= tolerance * deviation:
        print(f"logits {expected.shape} agree: {numbers}")
        return None
    bad = (error > tolerance * deviation).any(axis=1)
    return (f"{actual_path}: {numbers}; expected at most {tolerance:g} of it\n"
            f"  worst: position {worst[0]}, token {worst[1]}: expected "
            f"{expected[worst]:.7g}, but got {actual[worst]:.7g}\n"
            f"  {bad.sum()} of {len(bad)} positions differ, the first is "
            f"{bad.argmax()}; the likeliest token differs at "
            f"{(actual.argmax(1) != expected.argmax(1)).sum()}")


def compare_ids(actual_path, expected_path):
    """None if the white-space separated ids are equal, or the difference."""
    with open(actual_path) as actual, open(expected_path) as expected:
        got, want = actual.read().split(), expected.read().split()
    if got == want:
        print(f"{len(want)} generated ids agree")
        return None
    first = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                 min(len(got), len(want)))
    return (f"{actual_path}: expected {len(want)} ids, but got {len(got)}; "
            f"they differ from index {first} on\n"
            f"  expected ... {' '.join(want[first:first + 8])}\n"
            f"  got      ... {' '.join(got[first:first + 8])}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\nWhy")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("actual")
    parser.add_argument("expected")
    parser.add_argument("--tolerance", type=float, default=1e-3, metavar="T",
                        help="largest error in standard deviations of the "
                             "expected logits (default: %(default)s)")
    parser.add_argument("--ids", nargs=2, metavar=("ACTUAL", "EXPECTED"),
                        help="files of generated ids that must be equal")
    args = parser.parse_args()
    problems = [compare_logits(args.actual, args.expected, args.tolerance)]
    if args.ids:
        problems.append(compare_ids(*args.ids))
    problems = [problem for problem in problems if problem]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
