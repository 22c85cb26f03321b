#!/usr/bin/env python3
"""Fails when clang-format-22 would change a C or C++ file.

SPDX-License-Identifier: Apache-2.0
"""
import re
import subprocess
import sys

import lint

DIAGNOSTIC = re.compile(r"^(.+?):(\d+):\d+: error: code should be")


def check(root):
    files = [str(file) for file in lint.files(root, lint.C_LIKE)]
    if not files:
        yield ".:1: expected C or C++ files, but found none"
        return
    result = subprocess.run(
        ["clang-format-22", "--style=file", "--fallback-style=LLVM",
         "--dry-run", "-Werror", *files],
        cwd=root, capture_output=True, text=True, check=False)
    seen = set()
    for line in result.stderr.splitlines():
        match = DIAGNOSTIC.match(line)
        # One message per file is enough: the fix is one command.
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            yield (f"{match.group(1)}:{match.group(2)}: not formatted; run "
                   f"clang-format-22 -i {match.group(1)}")
    if result.returncode and not seen:
        yield f".:1: clang-format-22 failed: {result.stderr.strip()}"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
