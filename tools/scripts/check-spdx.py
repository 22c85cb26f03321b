#!/usr/bin/env python3
"""Fails when a source file lacks its one SPDX line among the first 40 lines.

SPDX-License-Identifier: Apache-2.0
"""
import sys

import lint

TAG = "SPDX-License-Identifier: Apache-2.0"
SEARCHED_LINES = 40
SUFFIXES = lint.C_LIKE | lint.TABLEGEN | lint.SCRIPTS | {".def"}


def check(root):
    for file in lint.files(root, SUFFIXES):
        if not any(TAG in line and number <= SEARCHED_LINES
                   for number, line in lint.lines(root / file)):
            yield f"{file}:1: expected a line '{TAG}' near the top, but got none"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
