#!/usr/bin/env python3
"""Runs and measures programs: what compare-peers and sweep share.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import subprocess
import tempfile

RATE = re.compile(r"^(prefill|decode): (\d+) tokens, ([\d.]+) tokens/s", re.M)


class Failure(Exception):
    """A text for the user."""


def run(command):
    """Standard output of a command and its largest resident set in bytes."""
    with tempfile.TemporaryFile("w+") as out, \
            tempfile.TemporaryFile("w+") as err:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err)
        except OSError as error:
            raise Failure(f"{command[0]}: cannot be run: "
                          f"{error.strerror}") from error
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            last = err.read().strip().splitlines()[-1:] or ["no message"]
            raise Failure(f"{command[0]}: exit status {process.returncode}: "
                          f"{last[0]}")
        return out.read(), usage.ru_maxrss * 1024


def measure_ours(program, prompt, predict, threads, *options):
    """Tokens per second of prefill and decode, and the resident set, of one run
    of an executable that bitnetc made."""
    text, resident = run([program, "--bench", "--bench-prompt", str(prompt),
                          "-n", str(predict), "--bench-runs", "1", "-t",
                          str(threads), *options])
    rates = {phase: float(rate) for phase, _, rate in RATE.findall(text)}
    if set(rates) != {"prefill", "decode"}:
        raise Failure(f"{program}: expected lines 'prefill' and 'decode' of "
                      "an executable that bitnetc made, but got none")
    return rates["prefill"], rates["decode"], resident
