#!/usr/bin/env python3
"""Writes what in docs/ comes from the sources and the tools, or checks it.

    update-docs.py --build build [--check] [ROOT]

Two kinds of text: the references in docs/generated/ (mlir-tblgen over the .td
files), and, in the other documents, what stands between

    <!-- generated: KIND [ARGUMENT] -->
    <!-- end -->

KIND is a function below. Everything a document says of options, passes,
formats, features or struct fields comes from the code that way, so it cannot
be wrong for long: a lint runs --check. `ninja mlir-doc` runs this script.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

TBLGEN = "/usr/lib/llvm-22/bin/mlir-tblgen"
LLVM_INCLUDE = "/usr/lib/llvm-22/include"
# File in docs/generated: title, .td file, generator of mlir-tblgen.
REFERENCES = {
    "BitNetDialect.md": (None, "dialects/BitNet/BitNet.td",
                         ["-gen-dialect-doc", "-dialect=bitnet"]),
    "TernaryDialect.md": (None, "dialects/Ternary/Ternary.td",
                          ["-gen-dialect-doc", "-dialect=ternary"]),
    "ConversionPasses.md": ("Conversion passes",
                            "include/bitnetc/Conversion/Passes.td",
                            ["-gen-pass-doc"]),
    "TransformPasses.md": ("Transformation passes",
                           "include/bitnetc/Transforms/Passes.td",
                           ["-gen-pass-doc"]),
}
# What the produced executables' --help is taken from: quick to compile.
TINY_MODEL = "test/E2E/goldens/bitnet-packed"
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) ?([^\n]*?) -->\n)(.*?)"
                   r"(<!-- end -->)", re.S)


class Source:
    """Where blocks get their text from."""

    def __init__(self, root, build):
        self.root, self.bin = root, build / "bin"

    def read(self, path):
        return (self.root / path).read_text()

    def run(self, *command, may_fail=False):
        if not pathlib.Path(command[0]).exists():
            raise SystemExit(f"error: {command[0]}: expected a program; build "
                             "it first")
        result = subprocess.run([str(part) for part in command], check=False,
                                stdin=subprocess.DEVNULL, text=True,
                                capture_output=True)
        if result.returncode and not may_fail:
            raise SystemExit(f"error: {' '.join(map(str, command))}: exit "
                             f"status {result.returncode}\n{result.stderr}")
        return result.stdout, result.stderr


def table(header, rows):
    lines = [header, ["---"] * len(header)] + list(rows)
    return "".join("| " + " | ".join(row) + " |\n" for row in lines)


def fence(text, kind="text"):
    return f"```{kind}\n{text.strip(chr(10))}\n```\n"


def stages(source):
    """Stages and their passes, as bitnetc's table and MLIR print them."""
    links = {}
    for name in ("ConversionPasses.md", "TransformPasses.md"):
        for option in re.findall(r"Pass<\"([\w-]+)\"",
                                 source.read(REFERENCES[name][1])):
            links[option] = f"[`{option}`](generated/{name}#-{option})"
    known = re.findall(r'^\s*\{"(\w+)",\s*"([^"]+)",\s*"([^"]*)",\s*(\w+)\}',
                       source.read("lib/Pipeline/Stages.cpp"), re.M)
    rows = []
    for name, summary, suffix, builder in known:
        passes = "`lib/Link`" if name == "exe" else "`lib/Codegen`"
        if builder != "nullptr":
            # Printed before it runs; an empty module is not a model.
            _, dump = source.run(source.bin / "bitnet-opt", "/dev/null",
                                 f"--{name}-pipeline", "--dump-pass-pipeline",
                                 may_fail=True)
            dump = dump.partition("builtin.module(\n")[2].partition("\n)")[0]
            names = re.findall(r"^ +([\w-]+)", dump, re.M)
            if not names:
                raise SystemExit(f"error: no passes in --{name}-pipeline")
            passes = "<br>".join(links.get(one, f"`{one}`") for one in names)
        rows.append([f"`{name}`", passes, f"`{suffix}`" if suffix else "",
                     summary])
    return table(["stage", "passes, in order", "file", "what it leaves"], rows)


def format_records(source):
    """(mnemonic, rows, columns, bytes, summary, description) of each format."""
    text = source.read("dialects/Ternary/TernaryFormats.td")
    for match in re.finditer(
            r'Ternary_Format<"\w+", "(\w+)", (\d+), (\d+), (\d+), \d+, \d+> \{\s*'
            r'let summary = "([^"]+)";\s*let description = \[\{\n(.*?)\}\]',
            text, re.S):
        yield match.groups()


def formats(source):
    listed, _ = source.run(source.bin / "bitnetc", "--list-formats")
    listed = {row.split()[0]: row.split()[1:]
              for row in listed.splitlines()[1:]}
    records = list(format_records(source))
    if [record[0] for record in records] != list(listed):
        raise SystemExit("error: TernaryFormats.td and --list-formats differ: "
                         f"{[r[0] for r in records]}, {list(listed)}")
    return table(["format", "bits per weight", "kind", "tile", "step"],
                 ([f"[`{name}`](#{name})", listed[name][0], listed[name][1],
                   f"{rows} rows", f"{columns} columns in {size} bytes"]
                  for name, rows, columns, size, _, _ in records))


def format(source, wanted):
    for name, _, _, _, summary, description in format_records(source):
        if name == wanted:
            return (summary[0].upper() + summary[1:] + ".\n\n" +
                    textwrap.dedent(description).strip() + "\n")
    raise SystemExit(f"error: generated: format {wanted}: no such format")


def layers(source):
    sys.path.insert(0, str(source.root / "tools/scripts"))
    names = importlib.import_module("check-layers").LAYERS
    return fence(textwrap.fill(" < ".join(names), 72))


def features(source, wanted):
    text = source.read("runtime/include/bitnet/cpu_features.def")
    found = re.findall(rf'^BN_{wanted}_FEATURE\((\d+), "([^"]+)"', text, re.M)
    return textwrap.fill(", ".join(f"`{name}`" for _, name in found), 79,
                         break_long_words=False, break_on_hyphens=False) + "\n"


def struct(source, wanted):
    """Fields of an ABI struct; `offset` for 64-bit targets, where pointers
    and U64 have eight bytes and their own size as alignment."""
    rows, offset = [], 0
    for kind, name, comment in re.findall(
            rf"^BN_FIELD\({wanted}, (\w+), (\w+)\) *(?://)? *(.*)$",
            source.read("runtime/include/bitnet/abi.def"), re.M):
        size = 4 if kind == "U32" else 8
        offset = (offset + size - 1) // size * size
        rows.append([str(offset), kind, f"`{name}`", comment])
        offset += size
    if not rows:
        raise SystemExit(f"error: generated: struct {wanted}: no such struct")
    return table(["offset", "kind", "field", "meaning"], rows)


def help(source, wanted):
    """--help of a tool, or of a program that bitnetc makes."""
    if wanted != "program":
        text, _ = source.run(source.bin / wanted, "--help")
        # From the options of the tool on: LLVM's own say nothing here.
        return fence(text[text.index(f"{wanted} options:"):])
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "chat"
        source.run(source.bin / "bitnetc", source.root / TINY_MODEL, "-q",
                   "-o", program)
        return fence(source.run(program, "--help")[0])


KINDS = {one.__name__: one for one in (stages, formats, format, layers,
                                       features, struct, help)}


def make_reference(source, name):
    title, path, generator = REFERENCES[name]
    text, _ = source.run(TBLGEN, *generator, "-I", source.root, "-I",
                         source.root / "include", "-I", LLVM_INCLUDE,
                         source.root / path)
    # The note on top names the tool; the table of contents is for one site.
    text = text.split("-->", 1)[1].replace("[TOC]\n", "")
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    note = f"<!-- Generated from {path} by `ninja mlir-doc`; change that. -->"
    return "\n\n".join(filter(None, [note, title and f"# {title}", text])) + "\n"


def make_document(source, text):
    def replace(match):
        kind, argument = match.group(2), match.group(3)
        if kind not in KINDS:
            raise SystemExit(f"error: generated: unknown kind '{kind}'")
        made = KINDS[kind](source, *([argument] if argument else []))
        return match.group(1) + made + match.group(5)
    return BLOCK.sub(replace, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=".")
    parser.add_argument("--build", type=pathlib.Path, required=True,
                        help="build folder with bin/bitnetc, bin/bitnet-opt")
    parser.add_argument("--docs", type=pathlib.Path,
                        help="folder of the documents (default: ROOT/docs)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit with 1 if something differs")
    args = parser.parse_args()
    source = Source(args.root.resolve(), args.build.resolve())
    docs = args.docs or args.root / "docs"

    made = {docs / "generated" / name: make_reference(source, name)
            for name in REFERENCES}
    for path in sorted(docs.glob("*.md")):
        made[path] = make_document(source, path.read_text())
    stale = 0
    for path, text in made.items():
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        name = path.relative_to(docs)
        if args.check:
            print(f"{name}: error: not what the sources say; run "
                  "`ninja mlir-doc`")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"update-docs: wrote {name}")
    for path in sorted((docs / "generated").glob("*")):
        if path not in made:
            stale += 1
            print(f"{path.relative_to(docs)}: error: nothing makes this file")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
