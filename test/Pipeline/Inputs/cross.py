#!/usr/bin/env python3
"""Runs every pass on the input of every test.

    cross.py SOURCE_TREE BITNET_OPT

Passes are those of include/bitnetc/*/Passes.td, inputs all .mlir files of the
tests of dialects, transformations and conversions, cut at "// -----". A pass may
fail with a diagnostic (exit status 1); anything else is a crash, and the command
that repeats it is printed.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import subprocess
import sys

# Sanitizers would exit with 1, as a diagnostic does.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0",
               "UBSAN_OPTIONS": "exitcode=99"}
FOLDERS = ["Dialect", "Transforms", "Conversion", "Target"]


def main():
    source, opt = pathlib.Path(sys.argv[1]), sys.argv[2]
    passes = []
    for table in sorted(source.glob("include/bitnetc/*/Passes.td")):
        passes += re.findall(r'Pass<"([\w-]+)"', table.read_text())
    files = sorted(file for folder in FOLDERS
                   for file in (source / "test" / folder).rglob("*.mlir"))

    def run(name, inputs):
        """The last output of the pass if it crashed, or None."""
        process = subprocess.run(
            [opt, f"--{name}", "--split-input-file",
             "--allow-unregistered-dialect"],
            input=b"\n// -----\n".join(file.read_bytes() for file in inputs),
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if process.returncode in (0, 1):
            return None
        return (f"exit status {process.returncode}\n"
                + process.stderr.decode(errors="replace")[-3000:])

    crashes = 0
    for name in passes:
        if not run(name, files):
            continue
        for file in files:
            if text := run(name, [file]):
                crashes += 1
                print(f"{opt} --{name} --split-input-file "
                      f"--allow-unregistered-dialect {file}\n{text}")
    if crashes:
        sys.exit(f"{crashes} crashes")
    print(f"{len(passes)} passes on {len(files)} files: no crash")


if __name__ == "__main__":
    main()
