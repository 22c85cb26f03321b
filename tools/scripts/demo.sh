#!/usr/bin/env bash
# Installs what bitnetc needs, builds it, compiles the bundled example model
# into one executable and lets that write some text. Arguments go to the
# produced executable: `demo.sh -p "And God said" -n 100`.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BITNETC_BUILD_DIR=${BITNETC_BUILD_DIR:-$source_dir/build}
model=$source_dir/examples/kjv
program=$BITNETC_BUILD_DIR/demo/kjv

echo "demo: 1 of 4: install"
"$source_dir/tools/scripts/install-deps.sh"
echo "demo: 2 of 4: build bitnetc (some minutes the first time)"
"$source_dir/tools/scripts/build.sh" bitnetc bitnet_runtime

echo "demo: 3 of 4: bitnetc examples/kjv -o demo/kjv"
mkdir -p "$BITNETC_BUILD_DIR/demo"
"$BITNETC_BUILD_DIR/bin/bitnetc" "$model" -o "$program"
ls -lh "$program" | awk '{print "demo: one executable of " $5}'

if (($# == 0)); then
  set -- -p "In the beginning" -n 120 --seed 1 --echo
fi
echo "demo: 4 of 4: demo/kjv$(printf ' %q' "$@")"
"$program" "$@"
