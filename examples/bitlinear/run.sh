#!/usr/bin/env bash
# Compiles bitlinear.mlir by hand, one stage at a time, and runs it.
#
#   run.sh [OUT]
#
# Leaves the result of every stage in OUT (default: a folder "out" here). Needs
# bitnet-opt (or BITNET_OPT), and LLVM 22's mlir-translate and clang++ (or
# MLIR_TRANSLATE, CXX).
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/out}
opt=${BITNET_OPT:-bitnet-opt}
translate=${MLIR_TRANSLATE:-mlir-translate-22}
cxx=${CXX:-clang++-22}
mkdir -p "$out"

# ternary: quantise, multiply, rescale; a format for the weights.
"$opt" "$here/bitlinear.mlir" -o "$out/10-ternary.mlir" \
  --convert-bitnet-to-ternary \
  --ternary-select-format=format=i2 \
  --ternary-pack-weights \
  --ternary-verify-packed

# tiled: buffers, parallel loops, places in the arena, register tiles.
"$opt" "$out/10-ternary.mlir" -o "$out/20-tiled.mlir" \
  --bitnet-bufferize \
  --ternary-tile-parallel \
  --bitnet-plan-memory --cse \
  --bitnet-outline-kernels \
  --ternary-tile-micro --canonicalize --cse

# vector: loops over vectors, in the target's instructions.
"$opt" "$out/20-tiled.mlir" -o "$out/30-vector.mlir" \
  --convert-ternary-to-vector \
  --convert-micro-ops-to-x86 --canonicalize --cse

# llvm: the llvm dialect; parallel loops call the runtime.
"$opt" "$out/30-vector.mlir" -o "$out/40-llvm.mlir" \
  --symbol-privatize=exclude=bitlinear --symbol-dce \
  --convert-vector-to-scf --convert-scf-to-cf --expand-strided-metadata \
  --lower-affine --convert-to-llvm --reconcile-unrealized-casts \
  --canonicalize --cse \
  --convert-parallel-to-runtime \
  --bitnet-verify-llvm

# LLVM IR, an object, an executable.
"$translate" --mlir-to-llvmir --allow-unregistered-dialect \
  "$out/40-llvm.mlir" -o "$out/bitlinear.ll"
"$cxx" -O2 -march=x86-64-v3 -Wno-override-module -c "$out/bitlinear.ll" \
  -o "$out/bitlinear.o"
"$cxx" -std=c++17 -O1 -ffp-contract=off "$here/main.cpp" "$out/bitlinear.o" \
  -o "$out/bitlinear"
"$out/bitlinear"
