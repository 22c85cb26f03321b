#!/usr/bin/env python3
"""A long prompt, rounded caches, perplexity and limits of the context.

    long.py BITNETC BITNET_GEN BITNET_REF OUT

The goldens have contexts of 256 positions; this model has 4096, so that the
prompt is several prefill calls long, and a head of its own.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys

import numpy

from e2e import (TIMEOUT, Checks, compile_model, get_greedy, get_logits, run,
                 write_ids)

CONTEXT, VOCAB, PROMPT = 4096, 300, 700
LAYERS, KV_HEADS, DIM = 2, 2, 16
MODEL = ["--family=llama", "--packed", "--tied=false", "--hidden=64",
         "--intermediate=96", f"--layers={LAYERS}", "--heads=4", f"--kv-heads={KV_HEADS}",
         f"--vocab={VOCAB}", f"--context={CONTEXT}"]
# The share of the standard deviation of logits that flips of int8 roundings
# may move them by (see compare_logits.py). A wrong mask or position changes
# them by 1 and more.
FLIPS = 0.2
# The same for the rounding of float sums, measured as 1e-6.
ROUNDING = 1e-5


def check_reference(checks, logits, reference, ids):
    """Most positions agree to float rounding, all others up to flips."""
    path = pathlib.Path(str(ids) + ".ref.npy")
    run(reference[0], reference[1], "--tokens", ids, "--logits-out", path)
    want = numpy.load(path)
    error = numpy.abs(logits - want).max(axis=1) / want.std()
    print(f"reference: largest error {error.max():.3g}, "
          f"median {numpy.median(error):.3g} of the standard deviation")
    checks.check(logits.shape == (PROMPT, VOCAB), f"shape {logits.shape}")
    checks.check(error.max() < FLIPS, f"{error.max()} from the reference")
    checks.check(numpy.median(error) < ROUNDING,
                 f"median {numpy.median(error)} from the reference")


def check_perplexity(checks, program, logits, ids, out):
    """--ppl is what its definition says, computed from --logits-out."""
    tokens = [int(word) for word in ids.read_text().split()]
    # One window of all tokens; bos comes first and predicts the first.
    info, _ = run(program, "--ppl", "--tokens", ids, "--ppl-window", PROMPT)
    value = float(re.match(r"perplexity: ([0-9.]+) \(", info)[1])
    bos = VOCAB - 2 if "each after bos" in info else None
    if bos is not None:
        with_bos = out / "with_bos.ids"
        with_bos.write_text(f"{bos} {' '.join(map(str, tokens))}")
        logits = get_logits(program, with_bos)
        tokens = [bos] + tokens
    rows = logits[:-1].astype(numpy.float64)
    rows -= rows.max(axis=1, keepdims=True)
    losses = (numpy.log(numpy.exp(rows).sum(axis=1))
              - rows[numpy.arange(len(rows)), tokens[1:]])
    want = numpy.exp(losses.mean())
    checks.check(abs(value / want - 1) < 1e-5,
                 f"perplexity: expected {want}, but got {info}")
    checks.check(f"({len(rows)} tokens, 1 windows" in info, f"got {info}")


def check_rounded_cache(checks, bitnetc, model, out, ids, logits, kind, size):
    """Logits with a cache of `kind` are near those without, the same for all
    batches and threads; a position takes `size` bytes."""
    what = f"--kv={kind}"
    program = compile_model(bitnetc, model, out / kind, what)
    rounded = get_logits(program, ids)
    error = numpy.abs(rounded - logits).max() / logits.std()
    print(f"{what}: largest error {error:.3g} of the standard deviation")
    checks.check(0 < error < FLIPS, f"{what}: error {error}")
    for args in (["--batch-size", 1], ["--batch-size", 100, "-t", 3]):
        checks.same_bits(get_logits(program, ids, *args), rounded,
                         f"{what} {args}")
    info, _ = run(program, "--info")
    checks.check(f"key-value cache: {size} bytes per token" in info, info)


def check_context(checks, program, ids, out):
    """The context ends where -c and the model say, and is said to be full."""
    _, note = run(program, "--tokens", ids, "-n", -1, "--temp", 0, "-c", 720,
                  "--ignore-eos", "--print-ids")
    checks.check("note: the context of 720 tokens is full" in note, note)
    # The last sampled token needs no position.
    new = get_greedy(program, ids, 5000)
    checks.equal(len(new), CONTEXT - PROMPT + 1, "tokens until it is full")
    _, error = run(program, "--tokens", ids, "-n", 1, "-c", 600, status=1)
    checks.check("context" in error and error.count("\n") == 1, error)
    _, error = run(program, "--tokens", ids, "-c", CONTEXT + 1, status=1)
    checks.check(f"expected at most {CONTEXT} positions" in error, error)


def check_interrupt(checks, program, ids):
    """Ctrl-C while tokens are written: status 130 and no message."""
    # The ids of a whole context do not fit the smallest pipe, so that the
    # program cannot have ended when the signal comes.
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [program, "--tokens", ids, "--temp", "1", "--seed", "1",
         "--ignore-eos", "--print-ids"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    checks.check(os.read(read, 1).isdigit(), "no id before Ctrl-C")
    process.send_signal(signal.SIGINT)
    with open(read, "rb") as rest:
        rest.read()
    error = process.communicate(timeout=TIMEOUT)[1]
    checks.check(process.returncode == 130 and b"error" not in error,
                 f"Ctrl-C: status {process.returncode}, {error}")


def main():
    bitnetc, gen, reference, out = *sys.argv[1:4], pathlib.Path(sys.argv[4])
    out.mkdir(parents=True, exist_ok=True)
    model, checks = out / "model", Checks()
    run(gen, *MODEL, model)
    program = compile_model(bitnetc, model, out / "program")
    ids = write_ids(out / "ids", PROMPT, VOCAB)
    logits = get_logits(program, ids)
    for args in (["--batch-size", 1], ["--batch-size", 100, "-t", 3]):
        checks.same_bits(get_logits(program, ids, *args), logits, str(args))
    check_reference(checks, logits, (reference, model), ids)
    check_perplexity(checks, program, logits, ids, out)
    # Keys and values of two layers and heads; i8 has a scale for each.
    for kind, size in ("f16", 2 * DIM), ("int8", DIM + 4):
        check_rounded_cache(checks, bitnetc, model, out, ids, logits, kind,
                            2 * LAYERS * KV_HEADS * size)
    check_context(checks, program, ids, out)
    check_interrupt(checks, program, ids)
    checks.finish("checks")


if __name__ == "__main__":
    main()
