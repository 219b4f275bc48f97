#!/usr/bin/env python3
"""Passes on what ctest prints, and before its closing lines says which tests were skipped, and why.

    ctest ... --output-junit FOLDER/ctest.xml --test-output-size-passed 10000000 | tools/report_skipped.py FOLDER

FOLDER holds reports in JUnit's form: ctest's, with the output of each test, where GoogleTest says what it skipped, and
lit's (--xunit-xml-output). What lit was not asked to run, as another ctest runs it, does not count."""
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

CLOSING = re.compile(r"\d+% tests passed")
GOOGLE_TEST = re.compile(r": Skipped\n(.*?)\s*\n\[  SKIPPED \] (\S+) \(", re.DOTALL)
NOT_SELECTED = "Test not selected"  # by lit's --filter
MOST_NAMES = 4


def skipped_tests(report):
    """Pairs of a reason and the name of a test."""
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        reason = "" if skipped is None else skipped.get("message") or "no reason given"
        if reason and not reason.startswith(NOT_SELECTED):
            yield reason, case.get("name")
        yield from GOOGLE_TEST.findall(case.findtext("system-out") or "")


def describe(reports):
    names = defaultdict(list)
    for report in reports:
        for reason, name in skipped_tests(report):
            names[" ".join(reason.split())].append(name)
    yield f"{sum(map(len, names.values()))} tests were skipped" + (":" if names else "")
    for reason, tests in sorted(names.items()):
        others = len(tests) - MOST_NAMES
        yield f"  {len(tests)}: {reason} ({', '.join(tests[:MOST_NAMES])}{f' and {others} more' if others > 0 else ''})"


def main():
    closing = []
    for line in sys.stdin:
        if closing or CLOSING.match(line):
            closing.append(line)
        else:
            print(line, end="", flush=True)
    reports = sorted(Path(sys.argv[1]).glob("*.xml"))
    print(*(describe(reports) if reports else []), "", sep="\n")
    print(*closing, sep="", end="", flush=True)
    if not reports:
        sys.exit(f"{sys.argv[1]}: expected reports of tests, found none")


if __name__ == "__main__":
    main()
