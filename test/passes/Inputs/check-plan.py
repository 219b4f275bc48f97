"""Checks a planned program against its plan-less self, apart from the compiler: reads both texts,
works out which values are live when, and looks for two that share memory.

Arguments: the program before and after --decoder-plan-memory."""

import re
import sys

OP = re.compile(r"%(\w+) = decoder\.linear %(\w+), .*-> (?:tensor|memref)<\?x(\d+)xbf16(?:, #decoder\.arena<(\d+)>)?>")


def linears(path):
    """(result, operand, features, offset, line) of each linear, in order."""
    with open(path) as file:
        for line in file:
            if match := OP.search(line):
                result, operand, features, offset = match.groups()
                yield result, operand, int(features), int(offset or -1), line


def align(size):
    return (size + 63) // 64 * 64


before, after = list(linears(sys.argv[1])), list(linears(sys.argv[2]))
assert len(before) == len(after) > 0
last_use = {}
for number, (result, operand, *_) in enumerate(after):
    last_use[result] = number
    last_use[operand] = number

# (first op, last op, first byte, end)
places = []
for number, ((*_, asked), (result, _, features, offset, given)) in enumerate(zip(before, after)):
    if offset >= 0:
        places.append((number, last_use[result], offset, offset + align(2 * features)))
    size = re.search(r"workspace_bytes = (\d+)", asked)
    if size and int(size[1]) > 0:
        start = int(re.search(r"workspace <(\d+)>", given)[1])
        places.append((number, number, start, start + align(int(size[1]))))

for i, (first, last, begin, end) in enumerate(places):
    for other_first, other_last, other_begin, other_end in places[:i]:
        together = first <= other_last and other_first <= last
        assert not together or end <= other_begin or other_end <= begin, "live values overlap"

with open(sys.argv[2]) as file:
    arena = int(re.search(r"arena_bytes_per_token = (\d+)", file.read())[1])
floor = max(sum(end - begin for first, last, begin, end in places if first <= now <= last)
            for now in range(len(after)))
assert max(end for *_, end in places) <= arena, "a value lies outside the arena"
assert floor <= arena <= 1.5 * floor, f"the arena has {arena} bytes, {floor} are live at once"
print("checked", len(places), "places")
