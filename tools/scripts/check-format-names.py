#!/usr/bin/env python3
"""Fails when a packing format is named outside its own files.

A format is one record in dialects/Ternary/TernaryFormats.td and one file
lib/Formats/<Name>.cpp (with its header); everything else iterates over
allFormats(). Tests and documentation may name formats: comments of C++ and the
examples in the descriptions of .td files are documentation.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

import lint

RECORDS = "dialects/Ternary/TernaryFormats.td"
RECORD = re.compile(r'def\s+\w+\s*:\s*Ternary_Format<"(\w+)",\s*"(\w+)"')
# The list of all formats is the one place that must name every one.
REGISTRY = {RECORDS, "lib/Formats/Formats.cpp", "lib/Formats/CMakeLists.txt"}
SUFFIXES = lint.C_LIKE | lint.TABLEGEN | {".def", ".inc", ".py", ".sh"}


def owns(name, path):
    """Whether lib/Formats/<path> is a file of the format `name`."""
    parts = path.split("/")
    return parts[:2] == ["lib", "Formats"] and parts[-1].lower().startswith(
        name.lower())


def check(root):
    records = root / RECORDS
    formats = RECORD.findall(records.read_text()) if records.exists() else []
    if not formats:
        yield f"{RECORDS}:1: expected Ternary_Format records, but found none"
    # The mnemonic as a whole string or as an attribute, and the C++ class.
    # Bare words are not looked for: i2 is also a good name of an integer.
    patterns = [(name, re.compile(rf'"{mnemonic}"|\b{name}Attr\b'),
                 re.compile(rf"#ternary\.{mnemonic}\b|\bternary<{mnemonic}>"))
                for name, mnemonic in formats]
    for file in lint.files(root, SUFFIXES):
        path = file.as_posix()
        if path in REGISTRY or path.startswith(("test/", "docs/")):
            continue
        for number, line in lint.lines(root / file):
            code = re.sub(r"(^|\s)//.*", "", line)
            for name, cpp, mlir in patterns:
                named = cpp.search(code) or (file.suffix != ".td" and
                                             mlir.search(code))
                if named and not owns(name, path):
                    yield (f"{file}:{number}: format '{name}' is named outside "
                           f"lib/Formats/{name}.cpp; ask allFormats() instead")


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
