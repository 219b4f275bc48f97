"""check_schedule.py TABLE    Reads what --print-schedule printed: every launch of the cuda
program has a positive number of registers on both chips and spills none, at least one block fits a
multiprocessor, and the columns are aligned."""

import sys

lines = open(sys.argv[1]).read().split("schedule of cuda;")[1].splitlines()
title, rows = lines[1], []
for line in lines[2:]:
    if not line.strip():
        break
    rows.append(line)
assert title.count(" regs") == 2, title
assert len(rows) >= 20, "too few launches"
bad = 0
for row in rows:
    for name in ["up to", "T=1", "T=512", "threads", "shared", "sm_80 regs", "sm_90a regs"]:
        end = title.index(name) + len(name)
        assert row[end - 1] != " " and row[end:end + 2].strip() == "", f"{name} is not aligned: {row}"
    cells = row.split()
    for chip, (registers, spills, blocks, warps) in {"sm_80": cells[-8:-4], "sm_90a": cells[-4:]}.items():
        if int(registers) < 1 or int(spills) != 0 or int(blocks) < 1 or int(warps) != 4 * int(blocks):
            print(f"{chip}: {row}")
            bad += 1
print(f"{len(rows)} launches")
sys.exit(bad != 0)
