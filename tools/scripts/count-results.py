#!/usr/bin/env python3
"""Counts the results of a lit run from its xunit report.

Prints why tests were skipped, which failed, and as the last line
"N passed, M failed" (", K skipped" if any). Exits with 1 unless every test
that ran passed and at least one did.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import sys
import xml.etree.ElementTree


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", help="written by lit --xunit-xml-output")
    parser.add_argument("--lit-status", type=int, default=0,
                        help="lit's exit status; a failure that the report "
                             "does not show counts as one failed test")
    args = parser.parse_args()

    passed, failed, skipped = 0, [], collections.Counter()
    problem = None
    try:
        cases = xml.etree.ElementTree.parse(args.report).iter("testcase")
        for case in cases:
            if case.find("failure") is not None:
                failed.append(f"{case.get('classname')}/{case.get('name')}")
            elif case.find("skipped") is not None:
                reason = case.find("skipped").get("message")
                # lit's word for the status that GTEST_SKIP() gives.
                if reason == "User interrupt":
                    reason = "skipped by the unit test itself"
                skipped[reason] += 1
            else:
                passed += 1
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        problem = f"{args.report}: no report of the run: {error}"
    if problem is None and not passed and not failed:
        problem = "no test ran"
    if problem is None and args.lit_status and not failed:
        problem = f"lit ended with status {args.lit_status}"

    for reason, count in sorted(skipped.items()):
        print(f"skipped {count}: {reason}")
    for name in failed:
        print(f"failed: {name}")
    if problem:
        print(f"error: {problem}")
        failed.append(problem)
    total = f"{passed} passed, {len(failed)} failed"
    if skipped:
        total += f", {sum(skipped.values())} skipped"
    print(total)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
