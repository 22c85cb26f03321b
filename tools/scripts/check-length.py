#!/usr/bin/env python3
"""Fails when a source file has more than 600 lines: split it by idea.

SPDX-License-Identifier: Apache-2.0
"""
import sys

import lint

MAX_LINES = 600
SUFFIXES = (lint.C_LIKE | lint.TABLEGEN | lint.SCRIPTS |
            {".def", ".mlir", ".test", ".cmake", ".inc"})


def check(root):
    for file in lint.files(root, SUFFIXES):
        count = sum(1 for _ in lint.lines(root / file))
        if count > MAX_LINES:
            yield (f"{file}:{count}: expected at most {MAX_LINES} lines, but "
                   f"got {count}; split the file by idea")


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
