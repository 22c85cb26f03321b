"""What the end-to-end tests share: compile a model, run it, compare logits.

Every check goes through `Checks`, which counts, so that a test can say how
much it has compared and a loop over nothing does not pass.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess
import sys

import numpy

# No end-to-end test takes long; a program that hangs must not hang the suite.
TIMEOUT = 300


def compile_model(bitnetc, model, output, *flags):
    """Compiles quietly; the command and its message if that fails."""
    command = [bitnetc, "-q", str(model), "-o", str(output), *flags]
    result = subprocess.run(command, capture_output=True, text=True,
                            timeout=TIMEOUT, check=False)
    if result.returncode or result.stderr:
        sys.exit(f"error: exit status {result.returncode} of "
                 f"{' '.join(command)}: {result.stderr}")
    return pathlib.Path(output)


def run(program, *args, launcher=(), status=0, **options):
    """(standard output, standard error) of a program that must end so."""
    command = [*launcher, str(program), *map(str, args)]
    result = subprocess.run(command, capture_output=True, text=True,
                            timeout=TIMEOUT, check=False, **options)
    if result.returncode != status:
        sys.exit(f"error: expected exit status {status}, but got "
                 f"{result.returncode} of {' '.join(command)}: "
                 f"{result.stderr}")
    return result.stdout, result.stderr


def get_logits(program, tokens, *args, launcher=()):
    """The logits of all positions of the ids in the file `tokens`."""
    path = pathlib.Path(str(program) + ".npy")
    run(program, "--tokens", tokens, "--logits-out", path, *args,
        launcher=launcher)
    values = numpy.load(path)
    path.unlink()
    if not numpy.isfinite(values).all():
        sys.exit(f"error: {program}: logits that are not finite")
    return values


def get_greedy(program, tokens, count, *args, launcher=()):
    """The ids of `count` greedy tokens after the ids in the file `tokens`."""
    out, _ = run(program, "--tokens", tokens, "-n", count, "--temp", 0,
                 "--ignore-eos", "--print-ids", "-q", *args, launcher=launcher)
    return [int(word) for word in out.split()]


def write_ids(path, count, vocab, seed=1):
    """A file of random ids, for prompts longer than the goldens'."""
    ids = numpy.random.default_rng(seed).integers(0, vocab, count)
    path.write_text(" ".join(map(str, ids)) + "\n")
    return path


class Checks:
    """Counts comparisons and prints those that fail."""

    def __init__(self):
        self.done = self.failed = 0

    def check(self, good, text):
        self.done += 1
        if not good:
            self.failed += 1
            print(f"error: {text}", flush=True)

    def same_bits(self, got, want, what):
        """Two arrays of logits, to the bit."""
        if got.shape != want.shape:
            self.check(False, f"{what}: expected logits of shape {want.shape},"
                              f" but got {got.shape}")
            return
        differ = got.view(numpy.uint32) != want.view(numpy.uint32)
        error = numpy.abs(got - want).max() if differ.any() else 0
        rows = numpy.flatnonzero(differ.any(axis=1))
        self.check(not differ.any(),
                   f"{what}: expected the same bits, but {differ.sum()} of "
                   f"{differ.size} logits differ, by up to {error:g}; "
                   f"positions {rows[:8].tolist()}")

    def equal(self, got, want, what):
        self.check(got == want, f"{what}: expected {want!r}, but got {got!r}")

    def finish(self, what):
        print(f"{self.done} {what}, {self.failed} wrong")
        sys.exit(1 if self.failed or not self.done else 0)
