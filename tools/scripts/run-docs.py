#!/usr/bin/env python3
"""Runs the commands of a document and compares what they print.

    run-docs.py DOCUMENT.md --root . --build build --work DIR

Commands stand in console fences, after "$ "; the lines below a command are
what it prints. The line before a fence says what to do with it:

    <!-- run -->                 run it; the output must be exactly this
    <!-- run, numbers vary -->   the same, but any number stands for any other
    <!-- run, fails -->          the last command exits with a nonzero status
    <!-- not run: REASON -->     leave it alone

A line "..." stands for any lines. Commands run in DIR, where the folders of
the source tree and `build` are links, with build/bin in PATH; files that one
fence makes are there for the next. A console fence without such a line is an
error, so that no command is forgotten.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

LLVM_BIN = "/usr/lib/llvm-22/bin"
FENCE = re.compile(r"(?:^<!-- (run|not run)([^\n]*) -->\n)?"
                   r"^```console\n(.*?)^```$", re.M | re.S)


def commands(text):
    """(command, expected lines) of one fence; a trailing backslash goes on."""
    found = []
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line.rstrip())
        else:
            found.append((None, [line]))
    return found


def matches(expected, actual):
    """Whether the lines agree; "..." takes any number of lines."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:])
                   for i in range(len(actual) + 1))
    return (bool(actual) and expected[0] == actual[0] and
            matches(expected[1:], actual[1:]))


def blur(lines):
    """Numbers as one letter, and the blanks that align them as one blank."""
    return [re.sub(r" +", " ", re.sub(r"\d+(?:[.,]\d+)*", "N", line)).strip()
            for line in lines]


def run_fence(text, flags, work, environment):
    """The texts of what is wrong."""
    steps = commands(text)
    for i, (command, expected) in enumerate(steps):
        if command is None:
            yield f"expected '$ ' and a command, but got: {expected[0]}"
            return
        result = subprocess.run(["bash", "-o", "pipefail", "-c", command],
                                cwd=work, env=environment, text=True,
                                errors="replace", stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, check=False)
        actual = [line.rstrip() for line in result.stdout.splitlines()]
        print(f"$ {command}\n{result.stdout}", end="")
        should_fail = "fails" in flags and i == len(steps) - 1
        if bool(result.returncode) != should_fail:
            yield f"exit status {result.returncode}: {command}"
            return
        if "numbers vary" in flags:
            expected, actual = blur(expected), blur(actual)
        if not matches(expected, actual):
            yield (f"{command}: expected\n  " + "\n  ".join(expected) +
                   "\n  but got\n  " + "\n  ".join(actual))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()

    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    for path in args.root.resolve().iterdir():
        if not path.name.startswith(".") and path.name != "build":
            (args.work / path.name).symlink_to(path)
    (args.work / "build").symlink_to(args.build.resolve())
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join(
        [str(args.build.resolve() / "bin"), environment["PATH"], LLVM_BIN])

    text = args.document.read_text()
    ran = problems = 0
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(3))
        what, flags = match.group(1), match.group(2) or ""
        found = []
        if what == "run":
            ran += 1
            found = run_fence(match.group(3), flags, args.work, environment)
        elif what != "not run" or not flags.startswith(": "):
            found = ["expected '<!-- run -->' or '<!-- not run: REASON -->' "
                     "before the fence"]
        for problem in found:
            problems += 1
            print(f"{args.document.name}:{line}: error: {problem}")
    if not ran:
        problems += 1
        print(f"{args.document.name}:1: error: no commands to run")
    print(f"{ran} fences run, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
