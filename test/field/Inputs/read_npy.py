"""Prints the shape of a .npy file of f32, and the log-softmax of the columns named as ROW,COLUMN."""

import ast
import math
import struct
import sys

contents = open(sys.argv[1], "rb").read()
assert contents[:8] == b"\x93NUMPY\x01\x00", contents[:8]
(length,) = struct.unpack("<H", contents[8:10])
header = ast.literal_eval(contents[10:10 + length].decode())
assert (10 + length) % 64 == 0 and header["descr"] == "<f4" and header["fortran_order"] is False, header
rows, columns = header["shape"]
assert len(contents) == 10 + length + 4 * rows * columns
print(rows, columns)
for wanted in sys.argv[2:]:
    row, column = map(int, wanted.split(","))
    values = struct.unpack_from(f"<{columns}f", contents, 10 + length + 4 * columns * row)
    most = max(values)
    print("%.6f" % (values[column] - most - math.log(sum(math.exp(value - most) for value in values))))
