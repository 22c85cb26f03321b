#!/usr/bin/env python3
"""Checks that every constraint of the dialects has a negative test.

A constraint is a label "(name_cN)" in a .td file of dialects/. Its test is a
symbol of that name, or of that name followed by "_" and what is special, in
test/Dialect/*/invalid*.mlir; a test for a label that is in no .td file is an
error, too.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

import lint

LABEL = r"[a-z0-9_]+?_c\d+"


def check(root):
    constraints, tests = {}, {}
    for path in lint.files(root, {".td"}):
        if path.parts[0] == "dialects":
            for number, line in lint.lines(root / path):
                for label in re.findall(rf"\(({LABEL})\)", line):
                    constraints.setdefault(label, f"{path}:{number}")
    if not constraints:
        yield f"{root}:1: expected labelled constraints in dialects/, but found none"
    for path in sorted(root.glob("test/Dialect/*/invalid*.mlir")):
        for number, line in lint.lines(path):
            for label in re.findall(rf"@({LABEL})\b|@({LABEL})_", line):
                where = f"{path.relative_to(root)}:{number}"
                tests.setdefault(label[0] or label[1], where)
    for label in sorted(constraints.keys() - tests.keys()):
        yield (f"{constraints[label]}: constraint '{label}' has no test; add one "
               f"named @{label} to the dialect's invalid.mlir")
    for label in sorted(tests.keys() - constraints.keys()):
        yield f"{tests[label]}: '@{label}' is no constraint of a .td file"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__, check))
