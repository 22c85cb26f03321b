#!/usr/bin/env python3
"""Fails when a file includes a layer above its own.

The order is the order of data flow (docs/architecture.md). runtime/src ships
in every produced executable and sees runtime/include only.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import sys

import lint

# Lowest first. A file may include its own layer and the layers before it.
LAYERS = ["runtime/include", "dialects/Ternary", "dialects/BitNet", "Support",
          "Target", "Formats", "Import", "Reference", "Conversion",
          "Transforms", "Codegen", "Link", "Pipeline", "Measure", "tools"]
RANK = {name: rank for rank, name in enumerate(LAYERS)}
INCLUDE = re.compile(r'\s*#?\s*include\s+"([^"]+)"')
# Where a quoted include is looked up besides the including file's own folder.
ROOTS = {"bitnetc/": "include/", "bitnet/": "runtime/include/"}
OWN = ("dialects/", "lib/", "runtime/", "tools/", "include/")


def layer(path):
    """The layer of a path from the root, None if layers do not concern it."""
    parts = path.split("/")
    if parts[:2] == ["include", "bitnetc"] and len(parts) > 3:
        return parts[2]
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    if parts[0] in ("dialects", "runtime") and len(parts) > 2:
        return "/".join(parts[:2])
    return "tools" if parts[0] == "tools" else None


def resolve(root, including, included):
    """The path from the root that `#include "included"` means, or None if it
    is not a file of this project."""
    near = os.path.normpath(including.parent / included)
    if (root / near).exists():
        return near
    for prefix, folder in ROOTS.items():
        if included.startswith(prefix):
            return folder + included
    return included if included.startswith(OWN) else None


def check(root):
    for file in lint.files(root, lint.C_LIKE | lint.TABLEGEN | {".def"}):
        here = layer(file.as_posix())
        if here is None:
            continue
        if here != "runtime/src" and here not in RANK:
            yield (f"{file}:1: '{here}' is not in the layer order; add it to "
                   "LAYERS in tools/scripts/check-layers.py")
            continue
        for number, line in lint.lines(root / file):
            match = INCLUDE.match(line)
            path = match and resolve(root, file, match.group(1))
            there = path and layer(path)
            if here == "runtime/src":
                if match and there not in ("runtime/src", "runtime/include"):
                    yield (f"{file}:{number}: runtime/src may include only "
                           f"runtime/include, but includes {match.group(1)}")
            elif there == "runtime/src":
                yield f"{file}:{number}: {here} may not include runtime/src"
            elif there and RANK.get(there, len(RANK)) > RANK[here]:
                yield f"{file}:{number}: {here} may not include {there}"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
