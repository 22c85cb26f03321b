#!/usr/bin/env python3
"""What the check-*.py lints share: walking the sources, reporting, exiting.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import pathlib

C_LIKE = {".h", ".c", ".cpp", ".cu"}
TABLEGEN = {".td"}
SCRIPTS = {".py", ".sh"}


def files(root, suffixes=None):
    """Yields the files below `root` with one of these suffixes, as paths
    relative to it. Build folders and hidden folders (but not .ci) are no part
    of the source."""
    for path in sorted(root.iterdir()):
        # .git is a file in a worktree.
        if path.is_symlink() or path.name in ("__pycache__", ".git"):
            continue
        if path.is_dir():
            built = path.name == "build" or (path / "CMakeCache.txt").exists()
            if built or (path.name.startswith(".") and path.name != ".ci"):
                continue
            for below in files(path, suffixes):
                yield path.name / below
        elif suffixes is None or path.suffix in suffixes:
            yield pathlib.Path(path.name)


def lines(path):
    """(number, text) of each line; bytes that are not UTF-8 are replaced."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return enumerate(text.splitlines(), 1)


def run(description, check):
    """Runs `check(root)`, which yields messages "FILE:LINE: TEXT" (FILE
    relative to root). Returns the exit status: 1 if there was any."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=".",
                        help="the source tree (default: the current folder)")
    count = 0
    for message in check(parser.parse_args().root):
        where, _, text = message.partition(": ")
        print(f"{where}: error: {text}")
        count += 1
    return 1 if count else 0
