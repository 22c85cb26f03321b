#!/usr/bin/env bash
# Configures and builds everything. The build folder is build/ in the checkout,
# or $BITNETC_BUILD_DIR. Arguments go to ninja: `build.sh bitnetc`. With
# BITNETC_FUZZ=ON in the environment the fuzzers are built, too.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build_dir=${BITNETC_BUILD_DIR:-$source_dir/build}

# CMake keeps the compilers of its first run, so that a second configuration
# with the same arguments takes a second.
echo "build: configuring $build_dir"
mkdir -p "$build_dir"
log=$build_dir/configure.log
if ! cmake -G Ninja -S "$source_dir" -B "$build_dir" \
  -DCMAKE_BUILD_TYPE="${BITNETC_BUILD_TYPE:-Release}" \
  -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
  -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
  ${BITNETC_FUZZ:+"-DBITNETC_FUZZ=$BITNETC_FUZZ"} \
  >"$log" 2>&1; then
  cat "$log" >&2
  echo "build: error: CMake failed; its output is above" >&2
  exit 1
fi
echo "build: compiling on $(nproc) cores"
ninja -C "$build_dir" "$@"
