"""Exchanges the two numbers of a tensor of a safetensors file: turn_shape.py FILE KEY"""
import json
import struct
import sys

path, key = sys.argv[1:]
with open(path, "r+b") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    begin, end = json.loads(file.read(size))[key]["data_offsets"]
    file.seek(8 + size + begin)
    numbers = struct.unpack("<2q", file.read(end - begin))
    file.seek(8 + size + begin)
    file.write(struct.pack("<2q", *reversed(numbers)))
