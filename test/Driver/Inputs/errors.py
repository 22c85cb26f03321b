#!/usr/bin/env python3
"""Command lines, models and outputs that bitnetc must refuse.

    errors.py usage|models|outputs|specs BITNETC GOLDEN OUT

Each case must end with exit status 1, nothing on standard output and one line
on standard error that holds the given text, and leave the output's folder as
it was: no output, no half of one, no temporary file.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys

NATIVE = "--target=x86_64-linux-gnu"
SEE = "; see bitnetc --help"

# Arguments, text of the message. MODEL is a good one, DIR the output's folder.
USAGE = [
    ([], "error: expected MODEL_DIR, but got none" + SEE),
    (["a", "b"], "error: too many positional arguments specified" + SEE),
    (["--nonsense", "a"],
     "error: unknown command line argument '--nonsense'" + SEE),
    (["a", "--max-batch=x"], "--max-batch option: 'x' value invalid"),
    (["a", "-o"], "-o option: requires a value"),
    (["a", "-o", "DIR/x", "--emit=foo"],
     "error: --emit: expected one of bitnet, ternary, tiled, vector, llvm, "
     "ir, asm, obj, exe, but got 'foo'"),
    (["a", "-o", "DIR/x", "-O4"],
     "error: -O: expected 0, 1, 2 or 3, but got '4'"),
    (["a", "-o", "DIR/x", "--max-batch=0"],
     "error: --max-batch: expected 1 to 4096, but got 0"),
    (["a", "-o", "DIR/x", "--max-batch=4097"],
     "error: --max-batch: expected 1 to 4096, but got 4097"),
    (["a", "-o", "DIR/x", "--max-sequences=0"],
     "error: --max-sequences: expected 1 to 256, but got 0"),
    (["a", "-o", "DIR/x", "--max-sequences=257"],
     "error: --max-sequences: expected 1 to 256, but got 257"),
    (["a", "-o", "DIR/x", "--threads=1025"],
     "error: --threads: expected 0 to 1024, but got 1025"),
    (["a", "-o", "DIR/x", "--format=q4"],
     "error: --format: expected one of auto, "),
    (["a"], "error: expected an output file; add -o FILE"),
    (["a", "-o", "DIR/x", "--spec=b", "--format=i2"],
     "error: --spec: expected no --format beside it, but got 'i2'"),
    (["a", "-o", "DIR/x", "--tune"],
     "error: --tune: expected no -o beside it, but got "),
    (["a", "--tune", "--spec=b"],
     "error: --tune: expected no --spec beside it, but got 'b'"),
    (["a", "-o", "DIR/x", "--spec=DIR/none"], "none: cannot read: No such file"),
    (["MODEL", "--tune=DIR/none/x"], "none/x: cannot write: No such file"),
    (["MODEL", "--tune=DIR/x", "--target=" + (
        "aarch64-linux-gnu" if os.uname().machine == "x86_64"
        else "x86_64-linux-gnu")],
     "error: --tune: expected a target that runs here, but got '"),
    (["a", "--emit=obj", "-o", "-"],
     "error: -o: expected a file for stage 'obj', but got '-'"),
    # What the target cannot do, before the model is opened.
    (["a", "-o", "DIR/x", "--target=riscv64-linux-gnu"],
     "unknown target 'riscv64-unknown-linux-gnu': expected x86_64 or aarch64, "
     "but got 'riscv64'; try --target="),
    (["a", "-o", "DIR/x", "--cpu=z80"], "error: unknown CPU 'z80' for "),
    (["a", "-o", "DIR/x", NATIVE, "--cpu=x86-64-v2"],
     "error: the CPU 'x86-64-v2' lacks AVX2 or FMA"),
    (["a", "-o", "DIR/x", "--mattr=avx2"],
     "error: feature 'avx2': expected a sign, but got none; write +avx2 or "
     "-avx2"),
    (["a", "-o", "DIR/x", "--mattr=+magic"],
     "error: unknown feature 'magic' for "),
    # A format that the chosen CPU has no instruction for.
    (["MODEL", "-o", "DIR/x", NATIVE, "--cpu=x86-64-v3", "--format=t5"],
     "format 't5': needs a dot product of full bytes"),
    # The model and the runtime.
    (["DIR/none", "-o", "DIR/x"], "none: no such directory"),
    (["MODEL/config.json", "-o", "DIR/x"],
     "config.json: expected the directory of a Hugging Face checkpoint, but "
     "got a file"),
    (["MODEL", "-o", "DIR/x", "--runtime-path=DIR/none", "-O0"],
     "expected the libraries of target "),
    # Outputs.
    (["MODEL", "-o", "DIR"],
     "expected a file to write, but got a directory"),
    (["MODEL", "-o", "DIR/none/x"],
     "none/x: cannot write: No such file or directory"),
    (["MODEL", "-o", "/dev/full"],
     "/dev/full: expected a file to write, but got a device or pipe"),
    (["MODEL", "-o", "DIR/x", "--save-temps=MODEL/config.json"],
     "config.json"),
]


def damage_tensor(model, change):
    """Calls change(header, data) on the parts of the safetensors file."""
    path = model / "model.safetensors"
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    data = bytearray(content[8 + length:])
    change(header, data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def put_nan(name):
    def change(header, data):
        begin = header[name]["data_offsets"][0]
        data[begin:begin + 2] = b"\xc0\x7f"
    return lambda model: damage_tensor(model, change)


def put_code(header, data):
    data[header["model.layers.0.self_attn.q_proj.weight"]
         ["data_offsets"][0]] |= 3


def set_json(name, **values):
    def change(model):
        path = model / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return change


def cut(name, count):
    def change(model):
        path = model / name
        path.write_bytes(path.read_bytes()[:-count])
    return change


# What is done to a copy of the model, text of the message. The classes are
# those of test/Import/corrupt.py, which tries more of each on the importer;
# here it is that bitnetc stops in time.
MODELS = [
    (lambda m: (m / "config.json").unlink(), "'config.json' is missing"),
    (lambda m: (m / "model.safetensors").unlink(), "safetensors"),
    (lambda m: (m / "tokenizer.json").unlink(),
     "tokenizer: expected 'tokenizer.json', but there is none"),
    (cut("config.json", 3), "config.json: broken JSON"),
    (cut("tokenizer.json", 3), "tokenizer.json: JSON"),
    (cut("model.safetensors", 1), "the file is truncated or damaged"),
    (lambda m: (m / "model.safetensors").write_bytes(b""),
     "the file is empty"),
    (lambda m: damage_tensor(m, lambda h, d: h.pop("model.norm.weight")),
     "model.safetensors: "),
    (lambda m: damage_tensor(m, lambda h, d: h.update(
        {"model.norm.weight": h["model.norm.weight"] | {"shape": [95]}})),
     "bytes, but data_offsets span"),
    (lambda m: damage_tensor(m, put_code), "illegal code 3 at row 0"),
    (put_nan("model.norm.weight"),
     "expected finite numbers, but got NaN or infinity"),
    (put_nan("model.embed_tokens.weight"),
     "expected finite numbers, but got NaN or infinity"),
    (put_nan("model.layers.0.self_attn.q_proj.weight_scale"),
     "expected a finite number above 0, but got nan"),
    (set_json("config.json", architectures=["Gemma3ForCausalLM"]),
     "this architecture is not supported"),
    (set_json("config.json", num_hidden_layers=3), "is missing"),
    (set_json("config.json", hidden_size="64"), "expected an integer"),
    (set_json("tokenizer.json", model={"type": "Unigram", "vocab": []}),
     "model.type: expected 'BPE'"),
]


V3 = ["ssse3", "sse4.2", "avx", "f16c", "fma", "popcnt", "bmi", "bmi2", "avx2",
      "lzcnt", "movbe"]
MATRICES = [{"rows": rows, "columns": columns, "format": "i2"}
            for rows, columns in ((160, 96), (96, 96), (400, 96), (96, 200))]
SPEC = {"bitnetc_spec": 1,
        "target": {"triple": "x86_64-linux-gnu", "features": V3},
        "threads": 1, "matrices": MATRICES}


def spec_with(**values):
    return json.dumps(SPEC | values)


def target_with(**values):
    return spec_with(target=SPEC["target"] | values)


def matrix_with(**values):
    return spec_with(matrices=[MATRICES[0] | values] + MATRICES[1:])


# Text of a spec file, text of the message.
SPECS = [
    ("", "spec.json: broken JSON"),
    (json.dumps(SPEC)[:-9], "spec.json: broken JSON"),
    ("[1]", "spec.json"),
    ("{}", "spec.json: 'bitnetc_spec': expected a value, but got none; run "
     "bitnetc --tune"),
    (spec_with(bitnetc_spec=2),
     "'bitnetc_spec': expected version 1, but got 2"),
    (spec_with(target=None), "'target': expected a value, but got none"),
    (target_with(triple="aarch64-linux-gnu"),
     "'target.triple': expected x86_64, but got aarch64"),
    (target_with(features=V3[1:]),
     "'target.features': expected those of the target, but got none of "
     "'ssse3'; run bitnetc --tune"),
    (target_with(features=V3 + ["amx-int8"]),
     "'target.features': expected those of the target, but got 'amx-int8', "
     "too; run bitnetc --tune"),
    (target_with(features=[3]),
     "'target.features': expected names, but got 3"),
    (spec_with(matrices=3), "'matrices'"),
    (spec_with(matrices=[3]), "'matrices[0]': expected an object, but got 3"),
    (spec_with(matrices=MATRICES + MATRICES[:1]),
     "'matrices[4]': expected one entry for each shape, but got a second one "
     "for 160 x 96"),
    (spec_with(matrices=MATRICES[1:]),
     "expected a format for matrices of 160 x 96, but got none; run bitnetc "
     "--tune on this model"),
    (matrix_with(rows=0),
     "'matrices[0].rows': expected a number above 0, but got 0"),
    (matrix_with(columns="96"), "'matrices[0].columns': expected an integer"),
    (matrix_with(format="q4"),
     "'matrices[0].format': expected a packing format of bitnetc "
     "--list-formats, but got 'q4'"),
    # Known, but not to this target.
    (matrix_with(format="t5"), "format 't5': needs a dot product"),
]


class Tests:
    def __init__(self, bitnetc, golden, out):
        self.bitnetc, self.golden = bitnetc, golden
        self.folder, self.copy = out / "folder", out / "copy"
        self.cases = self.failed = 0

    def refuse(self, arguments, text, limit=None):
        """Runs one case; `limit` is the size of the largest file, or None."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        command = [self.bitnetc, "-q"] + [
            word.replace("DIR", str(self.folder), 1) if word.startswith("DIR")
            else word.replace("=DIR", f"={self.folder}")
            .replace("MODEL", str(self.golden)) for word in arguments]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300,
            preexec_fn=limit and (lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (limit, limit))))
        left = os.listdir(self.folder)
        error = result.stderr
        self.cases += 1
        if (result.returncode == 1 and not result.stdout and not left
                and error.startswith("bitnetc: ") and text in error
                and error.count("\n") == 1 and error.endswith("\n")):
            return
        self.failed += 1
        print(f"{' '.join(command)}: expected exit status 1 and '{text}', but "
              f"got {result.returncode}, files {left} and '{error}'")

    def usage(self):
        for arguments, text in USAGE:
            self.refuse(arguments, text)

    def models(self):
        for damage, text in MODELS:
            shutil.rmtree(self.copy, ignore_errors=True)
            shutil.copytree(self.golden, self.copy)
            damage(self.copy)
            self.refuse([str(self.copy), "-O0", "-o", "DIR/x"], text)

    def specs(self):
        spec = self.folder.parent / "spec.json"
        spec.parent.mkdir(parents=True, exist_ok=True)
        command = ["MODEL", NATIVE, "--cpu=x86-64-v3", f"--spec={spec}"]
        spec.write_text(json.dumps(SPEC))
        subprocess.run([self.bitnetc, "-q", str(self.golden), *command[1:],
                        "--emit=ternary", "-o", str(spec) + ".mlir"],
                       check=True)
        for text, message in SPECS:
            spec.write_text(text)
            self.refuse([*command, "-o", "DIR/x"], message)

    def outputs(self):
        """Disks that are full at each moment of writing a program."""
        program = self.folder.parent / "whole"
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.bitnetc, "-q", "-O0", str(self.golden), "-o",
                        str(program)], check=True)
        size = program.stat().st_size
        # The object, the linked file, the weights, the last bytes.
        for limit in (4096, size // 2, size - 60000, size - 1):
            self.refuse(["MODEL", "-O0", "-o", "DIR/x"], "File too large",
                        limit=limit)
        self.refuse(["MODEL", "--emit=llvm", "-o", "DIR/x"],
                    "x: cannot write: File too large", limit=4096)
        self.refuse(["MODEL", "--emit=asm", "-O0", "-o", "DIR/x"],
                    "x: cannot write: File too large", limit=4096)
        # A runtime that the linker cannot read.
        libraries = program.parent / "libraries"
        shutil.copytree(pathlib.Path(self.bitnetc).parent.parent /
                        "lib/bitnetc", libraries, dirs_exist_ok=True)
        for archive in libraries.glob("*/libbitnet_rt.a"):
            archive.write_bytes(archive.read_bytes()[:100])
        self.refuse(["MODEL", "-O0", "-o", "DIR/x",
                     f"--runtime-path={libraries}"], "x: link failed: ")


def main():
    what, bitnetc, golden, out = sys.argv[1:]
    tests = Tests(bitnetc, pathlib.Path(golden), pathlib.Path(out))
    getattr(tests, what)()
    print(f"{tests.cases} cases, {tests.failed} not refused as they should be")
    return 1 if tests.failed or not tests.cases else 0


if __name__ == "__main__":
    sys.exit(main())
