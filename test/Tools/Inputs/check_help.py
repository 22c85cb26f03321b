#!/usr/bin/env python3
"""Checks that `bitnet-opt --help` lists every pass and every stage.

    check_help.py SOURCE_TREE HELP_TEXT

The passes are those of the Passes.td files with their summaries, the stages
those of lib/Pipeline/Stages.cpp that have passes.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys


def main():
    source, help_text = pathlib.Path(sys.argv[1]), open(sys.argv[2]).read()
    listed = dict(re.findall(r"--([\w-]+)(?:=<[^>]*>)? +- +(.*)", help_text))
    passes = []
    for table in sorted(source.glob("include/bitnetc/*/Passes.td")):
        passes += re.findall(r'Pass<"([\w-]+)".*?let summary = ((?:\s*"[^"]*")+)',
                             table.read_text(), re.S)
    stages = re.findall(r'\{"(\w+)", "[^"]*",\s*"[^"]*",\s*build',
                        (source / "lib/Pipeline/Stages.cpp").read_text())
    for name, text in passes:
        summary = "".join(re.findall(r'"([^"]*)"', text))
        if listed.get(name, "").strip() != summary:
            sys.exit(f"--{name}: expected '{summary}', but got "
                     f"'{listed.get(name, 'nothing')}'")
    for stage in stages:
        if f"{stage}-pipeline" not in listed:
            sys.exit(f"--{stage}-pipeline is not listed")
    print(f"{len(passes)} passes and {len(stages)} stages are listed")


if __name__ == "__main__":
    main()
