"""Checks README's table of speeds against docs/performance.md. Argument: the folder that holds both.

A row of README is found by its weights, code and test: those of the row in performance.md under the heading of these
weights. tok/s is that row's median, rounded to a whole number; the share is the one in bold there."""

import pathlib
import sys

MEASURED = ["code", "test", "tok/s, median", "mean ± sd", "GB/s", "of read", "TFLOP/s", "of peak"]
SHOWN = ["weights", "code", "test", "tok/s", "share of the ceiling"]


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows(path, columns):
    """The heading, the number of the line and the cells by column, for each row of the tables that have these columns."""
    heading, inside = "", False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
        elif cells(line) == columns:
            inside = True
        elif inside and not line.startswith("|---"):
            yield heading, number, dict(zip(columns, cells(line), strict=True))


def figures(row):
    """What README may show of a measured row: tok/s, and the share of the ceiling that decides."""
    shares = [f"{row[of].strip('*')} {of}" for of in ("of read", "of peak") if row[of].startswith("**")]
    return str(round(float(row["tok/s, median"]))), shares[0] if len(shares) == 1 else "one share in bold"


root = pathlib.Path(sys.argv[1])
measured, errors, compared = {}, [], 0
for heading, number, row in rows(root / "docs/performance.md", MEASURED):
    key = heading, row["code"], row["test"]
    if key in measured:
        errors.append(f"performance.md:{number}: a second row of {', '.join(key)}")
    measured[key] = figures(row)

for _, number, row in rows(root / "README.md", SHOWN):
    compared += 1
    key = row["weights"], row["code"], row["test"]
    found = row["tok/s"], row["share of the ceiling"]
    expected = measured.get(key)
    if not expected:
        errors.append(f"README.md:{number}: performance.md has no row of {', '.join(key)}")
    elif found != expected:
        errors.append(f"README.md:{number}: {', '.join(key)}: expected {', '.join(expected)}, found {', '.join(found)}")

if not compared:
    errors.append("README.md: expected a table of " + ", ".join(SHOWN))
print("\n".join(errors + [f"compared {compared} rows with {len(measured)}"]))
sys.exit(bool(errors))
