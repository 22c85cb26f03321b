#!/usr/bin/env bash
# Installs what is needed, builds, and runs every test through lit. The last
# line is "N passed, M failed", then ", K skipped" if any were; the exit status
# is 0 only if nothing failed. Arguments go to lit: `test.sh --filter Lint`.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BITNETC_BUILD_DIR=${BITNETC_BUILD_DIR:-$source_dir/build}
export BITNETC_FUZZ=${BITNETC_FUZZ:-ON}
scripts=$source_dir/tools/scripts
results=$BITNETC_BUILD_DIR/test-results.xml

# What cannot be built cannot pass: it counts as one failure.
fail() {
  echo "test: error: $1"
  echo "0 passed, 1 failed"
  exit 1
}

"$scripts/install-deps.sh" || fail "the packages could not be installed"
"$scripts/build.sh" || fail "the build failed"

rm -f "$results"
status=0
/usr/lib/llvm-22/bin/lit -v --no-progress-bar --timeout 900 \
  --xunit-xml-output "$results" "$@" "$BITNETC_BUILD_DIR/test" || status=$?
/usr/bin/python3 "$scripts/count-results.py" "$results" --lit-status $status
