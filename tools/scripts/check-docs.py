#!/usr/bin/env python3
"""Fails when a document names what does not exist, or leaves a folder out.

Links must lead to files (and headings) of this tree; paths in backticks that
start with a folder of this tree must exist; docs/architecture.md must name
every folder of the compiler; every document must be linked from README.md or
from another one, and the commands of every document must be run by a test.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

import lint

LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:lib|include|dialects|runtime|tools|test|docs|examples)"
                  r"/[\w./-]+)`")
# Folders whose children docs/architecture.md must name.
PARENTS = ["lib", "dialects", "tools", "runtime", "test"]
ARCHITECTURE = "docs/architecture.md"
TEST = "test/Docs/{}.test"


def anchors(text):
    """The names GitHub gives to headings."""
    for line in re.findall(r"^#+ +(.*)$", text, re.M):
        line = re.sub(r"[^\w\- ]", "", line.strip().lower())
        yield line.replace(" ", "-")


def resolve(root, file, link):
    """Nothing, or what is wrong with a relative link of `file`."""
    if re.match(r"[a-z]+:", link):
        return None
    name, _, anchor = link.partition("#")
    target = (root / file.parent / name) if name else root / file
    if not target.exists():
        return f"'{link}' leads nowhere"
    if anchor and target.suffix == ".md" and anchor not in set(
            anchors(target.read_text())):
        return f"'{link}': no such heading"
    return None


def check(root):
    linked = {root / "README.md"}
    documents = [file for file in lint.files(root, {".md"})
                 if file.parts[0] != "test" and file.name != "model_card.md"]
    for file in documents:
        text = (root / file).read_text()
        for number, line in lint.lines(root / file):
            for link in LINK.findall(line):
                problem = resolve(root, file, link)
                if problem:
                    yield f"{file}:{number}: {problem}"
                target = (root / file.parent / link.split("#")[0]).resolve()
                linked |= {target, target / "README.md"}
            for path in PATH.findall(line):
                if not (root / path).exists():
                    yield f"{file}:{number}: '{path}' does not exist"
        test = TEST.format(file.stem)
        ours = file.parent.as_posix() in (".", "docs")
        if ours and "```console" in text and not (root / test).exists():
            yield f"{file}:1: expected a test of its commands, {test}"
    for file in documents:
        path = root / file
        if path.resolve() not in linked and path not in linked:
            yield f"{file}:1: no document links to this one"
    architecture = root / ARCHITECTURE
    text = architecture.read_text() if architecture.exists() else ""
    for parent in PARENTS:
        folder = root / parent
        for child in sorted(folder.iterdir()) if folder.exists() else []:
            hidden = child.name.startswith((".", "__")) or not child.is_dir()
            if not hidden and not re.search(rf"\b{re.escape(child.name)}\b",
                                            text):
                yield f"{ARCHITECTURE}:1: '{parent}/{child.name}' is missing"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
