#!/usr/bin/env python3
"""Compiles a model and runs the program that comes out.

    compile_and_run.py [--launcher COMMAND] BITNETC OUT MODEL [FLAG...]
                       [-- ARGUMENT...]

The program is OUT/NAME, NAME being that of the model's folder; FLAGs go to
the compiler, ARGUMENTs to the program. For check_goldens.py, which calls one
command for each model.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess
import sys

from e2e import compile_model


def main():
    args, launcher = sys.argv[1:], []
    if args[0] == "--launcher":
        launcher, args = args[1].split(), args[2:]
    split = args.index("--")
    bitnetc, out, model, *flags = args[:split]
    program = pathlib.Path(out) / pathlib.Path(model).name
    program.parent.mkdir(parents=True, exist_ok=True)
    compile_model(bitnetc, model, program, *flags)
    return subprocess.call(launcher + [str(program)] + args[split + 1:])


if __name__ == "__main__":
    sys.exit(main())
