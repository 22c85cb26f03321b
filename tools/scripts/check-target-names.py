#!/usr/bin/env python3
"""Fails when code asks which architecture it compiles for.

What differs between machines is a fact in lib/Target (a number or a flag of
TargetInfo), or an instruction, which the micro-op lowerings choose. Everything
else reads facts, so that a new target is new files and no edits.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

import lint

ASKS = re.compile(r"\bArch::\w+")
OWNERS = ("lib/Target/", "lib/Conversion/MicroOpsTo", "include/bitnetc/Target/",
          "test/")


def check(root):
    for file in lint.files(root, lint.C_LIKE):
        if file.as_posix().startswith(OWNERS):
            continue
        for number, line in lint.lines(root / file):
            found = ASKS.search(re.sub(r"(^|\s)//.*", "", line))
            if found:
                yield (f"{file}:{number}: '{found[0]}' outside lib/Target; "
                       "add a fact to TargetInfo and read that")


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
