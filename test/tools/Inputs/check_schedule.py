"""check_schedule.py TABLE    Reads what --print-schedule printed: every launch of the programs for cuda
has a positive number of registers and spills none, at least one block fits a multiprocessor, and the
columns are aligned."""

import sys

bad = 0
for chip in ["sm_80", "sm_90a"]:
    lines = open(sys.argv[1]).read().split(f"schedule of cuda for {chip};")[1].splitlines()
    title, rows = lines[1], []
    for line in lines[2:]:
        if not line.strip():
            break
        rows.append(line)
    assert title.count(" regs") == 1, title
    assert len(rows) >= 20, "too few launches"
    for row in rows:
        for name in ["up to", "T=1", "T=512", "threads", "shared", f"{chip} regs"]:
            end = title.index(name) + len(name)
            assert row[end - 1] != " " and row[end:end + 2].strip() == "", f"{name} is not aligned: {row}"
        threads, _, registers, spills, blocks, warps = map(int, row.split()[-6:])
        if registers < 1 or spills != 0 or blocks < 1 or warps != threads // 32 * blocks:
            print(f"{chip}: {row}")
            bad += 1
    print(f"{chip}: {len(rows)} launches")
sys.exit(bad != 0)
