#!/usr/bin/env python3
"""Runs a program on every golden model and compares what it computes.

    check_goldens.py GOLDENS OUT [--tolerance T] -- PROGRAM {model} ...

GOLDENS holds one folder per model with prompt.ids, logits.npy and greedy.ids
(see make_goldens.py there); OUT gets what the program writes. The program is
called with {model} replaced by the folder and with the options --tokens,
--logits-out, -n, --ignore-eos and --print-ids. All models are tried before the
exit status says whether all agree; finding no model is a failure.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import pathlib
import subprocess
import sys

import compare_logits


def check(model, out, command, tolerance):
    """The texts of what is wrong with the program's results for `model`."""
    logits, ids = out / f"{model.name}.npy", out / f"{model.name}.ids"
    expected_ids = model / "greedy.ids"
    count = len(expected_ids.read_text().split())
    command = [part.replace("{model}", str(model)) for part in command] + [
        "--tokens", str(model / "prompt.ids"), "--logits-out", str(logits),
        "-n", str(count), "--ignore-eos", "--print-ids"]
    with open(ids, "w") as file:
        status = subprocess.run(command, stdout=file, check=False).returncode
    if status:
        return [f"exit status {status} of {' '.join(command)}"]
    problems = [
        compare_logits.compare_logits(logits, model / "logits.npy", tolerance),
        compare_logits.compare_ids(ids, expected_ids)]
    return [problem for problem in problems if problem]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("command", nargs="+", metavar="PROGRAM")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    models = sorted(file.parent for file in args.goldens.glob("*/golden.json"))
    failed = 0
    for model in models:
        print(f"{model.name}:", flush=True)
        problems = check(model, args.out, args.command, args.tolerance)
        for problem in problems:
            print(f"error: {model.name}: {problem}", file=sys.stderr)
        failed += bool(problems)
    if not models:
        print(f"error: {args.goldens}: no */golden.json", file=sys.stderr)
    print(f"{len(models) - failed} of {len(models)} models agree")
    return 0 if models and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
