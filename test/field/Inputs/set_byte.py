"""Makes the first byte of a tensor in a safetensors file another."""

import json
import struct
import sys

path, key = sys.argv[1:]
with open(path, "r+b") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    at = 8 + length + json.loads(file.read(length))[key]["data_offsets"][0]
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 1]))
