#!/usr/bin/env python3
"""Stands in for ptxas: STRATA_PTXAS=this. Says what the environment's FAKE_PTXAS asks for: nothing
(64 registers for every kernel), spills, serialized or fails."""

import os
import re
import sys

mode = os.environ.get("FAKE_PTXAS", "")
arguments = sys.argv[1:]
source = next(a for a in arguments if a.endswith(".ptx"))
chip = next(a for a in arguments if a.startswith("-arch=")).removeprefix("-arch=")
if mode == "fails":
    print("ptxas fatal   : Unresolved extern function 'lost'", file=sys.stderr)
    sys.exit(255)
if f".target {chip}\n" not in open(source).read():
    print(f"ptxas fatal   : the PTX is for another target than {chip}", file=sys.stderr)
    sys.exit(255)
for name in re.findall(r"\.entry (\w+)\(", open(source).read()):
    spills = 8 if mode == "spills" and "prefill" in name else 0
    if spills:
        print(f"ptxas warning : Registers are spilled to local memory in function '{name}', 8 bytes spill stores, 8 bytes spill loads")
    if mode == "serialized" and name == "linear_0_prefill":
        print(f"ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function '{name}'")
    print(f"ptxas info    : Compiling entry function '{name}' for '{chip}'")
    print(f"ptxas info    : Function properties for {name}")
    print(f"    {spills} bytes stack frame, {spills} bytes spill stores, {spills} bytes spill loads")
    print("ptxas info    : Used 64 registers, used 1 barriers, 448 bytes cmem[0]")
open(arguments[arguments.index("-o") + 1], "wb").write(b"\x7fELF")
