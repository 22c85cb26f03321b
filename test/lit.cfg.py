# The lit configuration of all tests but the GoogleTest binaries (unit/).
#
# A test may say `REQUIRES: FEATURE` with the features below. What this machine
# lacks is said at the start of every run, so that nothing is skipped silently.
#
# SPDX-License-Identifier: Apache-2.0
import os
import platform
import re
import shutil

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "bitnetc"
# lit's own shell: the same on every machine, and it fails on the first
# command of a pipe, too. Tests that need more run `bash -c`.
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.bitnetc_obj_root, "test")

# Variables do not leak across CHECK-LABEL, and every prefix must be used.
config.environment["FILECHECK_OPTS"] = (
    "--enable-var-scope --allow-unused-prefixes=false"
)
llvm_config.with_system_environment(["BITNETC_REFERENCE", "HOME", "TMPDIR"])
llvm_config.with_environment(
    "PATH", [config.bitnetc_tools_dir, config.llvm_tools_dir], append_path=True
)

# A tool that has not been built keeps its name, and its tests fail with
# "command not found".
tools = ["bitnet-opt", "bitnet-lsp-server", "bitnetc", "bitnet-ref",
         "bitnet-gen", "bitnet-inspect", "bitnet-bench", "bitnet-tokenize",
         "FileCheck", "not", "count", "split-file"]
llvm_config.add_tool_substitutions(
    [ToolSubst(tool, unresolved="ignore") for tool in tools],
    [config.bitnetc_tools_dir, config.llvm_tools_dir],
)
# Debian's own Python, which has python3-numpy.
config.substitutions.append(("%python", "/usr/bin/python3"))
config.substitutions.append(("%src", config.bitnetc_src_root))
config.substitutions.append(("%build", config.bitnetc_obj_root))
config.substitutions.append(("%host-triple", platform.machine() + "-linux-gnu"))


def cpu_features():
    """LLVM's names of the features in cpu_features.def that this CPU has."""
    if platform.machine() != "x86_64":
        return set(), set()
    table = os.path.join(
        config.bitnetc_src_root, "runtime/include/bitnet/cpu_features.def"
    )
    with open(table) as file:
        known = re.findall(r'^BN_X86_FEATURE\(\d+, "([^"]+)"', file.read(), re.M)
    if not known:
        lit_config.fatal(f"{table}: no features found")
    with open("/proc/cpuinfo") as file:
        flags = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    # The kernel writes avx512_vnni where LLVM writes avx512vnni, and so on.
    plain = {re.sub("[._-]", "", flag) for flag in flags.group(1).split()}
    kernel = {"bmi": "bmi1", "lzcnt": "abm"}
    return {
        name for name in known
        if kernel.get(name, re.sub("[._-]", "", name)) in plain
    }, set(known)


def first_existing(*paths):
    return next((path for path in paths if path and os.path.exists(path)), None)


present, known = cpu_features()
config.available_features.update(present)
config.available_features.add(platform.machine())
missing = [f"CPU feature {name}" for name in sorted(known - present)]


def offer(feature, path, what, substitution=None):
    """Adds `feature` if `path` is a path; else remembers what is missing."""
    if path:
        config.available_features.add(feature)
    else:
        missing.append(f"{feature} ({what})")
    if substitution:
        # An unavailable tool fails loudly where REQUIRES was forgotten.
        config.substitutions.append((substitution, path or f"{feature}-missing"))


sysroot = os.path.join(config.bitnetc_obj_root, "lib/bitnetc/aarch64-linux-gnu")
offer("aarch64-sysroot", first_existing(os.path.join(sysroot, "libbitnet_rt.a")),
      "the build found no aarch64 cross compiler")
offer("qemu-aarch64", config.qemu_aarch64 or shutil.which("qemu-aarch64"),
      "install qemu-user", "%qemu-aarch64")
offer("ptxas", shutil.which("ptxas")
      or first_existing("/usr/local/cuda/bin/ptxas"),
      "the CUDA toolkit's assembler", "%ptxas")
offer("fuzzers", first_existing(
          os.path.join(config.bitnetc_tools_dir, "safetensors_fuzzer")),
      "configure with -DBITNETC_FUZZ=ON")
offer("nvidia-gpu", first_existing("/dev/nvidia0"), "an NVIDIA GPU")
offer("reference-data", first_existing(
          os.environ.get("BITNETC_REFERENCE"),
          os.path.join(config.bitnetc_src_root, "../shared/reference")),
      "vocabularies for golden tests; set BITNETC_REFERENCE")

if missing:
    lit_config.note("not available here, tests that require it are skipped: "
                    + ", ".join(missing))
