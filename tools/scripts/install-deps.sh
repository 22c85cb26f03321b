#!/usr/bin/env bash
# Installs the Debian 12 packages that bitnetc is built and tested with. Does
# nothing, and needs no network and no root, when all are there.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

packages=(
  # Building. g++ is there for libstdc++, which the compilers below link.
  cmake ninja-build g++ ccache clang-22 lld-22
  # MLIR, LLVM and LLD as libraries, and what their CMake files look for.
  llvm-22-dev libmlir-22-dev mlir-22-tools liblld-22-dev
  zlib1g-dev libzstd-dev libxml2-dev libutf8proc-dev
  # Executables for another machine, and running them here.
  gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user
  # Tests: FileCheck and lit (whose time limit needs psutil), unit tests,
  # sanitizers, NumPy, formatting.
  llvm-22-tools libgtest-dev libgmock-dev libclang-rt-22-dev
  python3 python3-numpy python3-psutil clang-format-22
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [[ $status == "install ok installed" ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "install-deps: all ${#packages[@]} packages are installed"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "install-deps: error: expected a Debian 12 system with apt-get;" \
    "install these packages by hand: ${missing[*]}" >&2
  exit 1
fi
root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: error: expected root or sudo; run as root:" \
      "apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Says every 15 seconds how far apt-get is. Sleeps are short, so that nothing
# outlives the script by long.
report() {
  local second=0
  while sleep 1; do
    second=$((second + 1))
    if ((second % 15 == 0)); then
      echo "install-deps: $second s," \
        "$(grep -c ^Get: "$log" || true) files fetched," \
        "$(grep -c ^Unpacking "$log" || true) packages unpacked," \
        "$(grep -c '^Setting up' "$log" || true) set up"
    fi
  done
}
# step WHAT COMMAND...: tries three times (mirrors have bad moments), and shows
# the log only when the last try has failed, too.
step() {
  local reporter status
  echo "install-deps: $1"
  for try in 1 2 3; do
    report &
    reporter=$!
    status=0
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive "${@:2}" >"$log" 2>&1 ||
      status=$?
    kill "$reporter" 2>/dev/null || true
    wait "$reporter" 2>/dev/null || true
    ((status == 0)) && return 0
    sleep $((try * 2))
  done
  cat "$log" >&2
  echo "install-deps: error: failed: ${*:2}; LLVM 22 is in the security" \
    "archive of Debian 12, which apt must know" >&2
  return 1
}
step "reading the package lists" apt-get update -q
step "installing ${#missing[@]} packages: ${missing[*]}" \
  apt-get install -y -q --no-install-recommends "${missing[@]}"
echo "install-deps: done"
