#!/usr/bin/env python3
"""Fails on text that only means something on one machine or to one person.

Paths of somebody's machine, hosts of package registries, and notes to
oneself that belong into a test or an issue.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

import lint

# One bracket in each pattern keeps this file from matching itself.
BANNED = [
    (r"(?<![\w.<{}$])/(?:wor[k]|hom[e]|roo[t])/\w",
     "a path of one machine; use a relative path or an option"),
    (r"\b(?:pyp[i]\.org|files\.pythonhoste[d]\.org|registry\.npmj[s]\.org|"
     r"deb\.debia[n]\.org|security\.debia[n]\.org|crate[s]\.io|gh[c]r\.io|"
     r"proxy\.golan[g]\.org)\b",
     "the host of a registry; its client knows it"),
    (r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b",
     "a note to oneself; write a test or do it"),
]
# The lints' own tests contain what the lints look for.
EXEMPT = ("test/Lint/",)
# Data that nobody here wrote.
DATA = {".json", ".safetensors", ".npy", ".bin", ".txt", ".gguf", ".model"}


def check(root):
    for file in lint.files(root):
        if (file.suffix in DATA and file.name != "CMakeLists.txt") or file.as_posix().startswith(EXEMPT):
            continue
        if b"\0" in (root / file).read_bytes()[:4096]:
            continue
        for number, line in lint.lines(root / file):
            for pattern, why in BANNED:
                match = re.search(pattern, line)
                if match:
                    yield f"{file}:{number}: '{match.group()}' is {why}"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
