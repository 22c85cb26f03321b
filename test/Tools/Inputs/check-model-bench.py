"""Compares the bytes per token of bitnet-bench's JSON with --info texts.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import sys

report, *infos = sys.argv[1:]
with open(report) as file:
    rows = json.load(file)["results"]
programs = ["separate", "shared", "screened", "int4", "int8"]
assert [(row["program"], row["threads"]) for row in rows] == [
    (program, threads) for program in programs for threads in (1, 2)], rows
# The table of 300 x 64 bf16, which `separate` has twice and reads once, and
# which the last three have only the embedding of, or what rows are left of.
unread = [300 * 64 * 2, 0] + [300 * 64 * 2] * 3
for first, path, unread in zip(range(0, 10, 2), infos, unread):
    with open(path) as file:
        text = file.read()
    weights = int(re.search(r"^weights: (\d+) bytes", text, re.M).group(1))
    cache = int(re.search(r"^key-value cache: (\d+)", text, re.M).group(1))
    assert cache == 2 * 2 * 2 * 16 * 4, cache
    expected = (weights - unread + cache * (16 + 8 / 2)) / 1e6
    for row in rows[first:first + 2]:
        # Gaps between weights, which start at cache lines, are not read.
        assert -2e-2 < row["megabytes_per_token"] / expected - 1 < 1e-9, row
        assert row["prefill_p10"] <= row["prefill"] <= row["prefill_p90"], row
        speed = row["megabytes_per_token"] * row["decode"] / 1e3
        assert abs(row["gigabytes_per_second"] / speed - 1) < 1e-9, row
