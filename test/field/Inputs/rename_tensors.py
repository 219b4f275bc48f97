"""Copies a model folder: each tensor gets a prefix, and loses one that it has."""

import json
import shutil
import struct
import sys

source, target, prefix, lost = sys.argv[1:]
shutil.copytree(source, target)
with open(f"{source}/model.safetensors", "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header, data = json.loads(file.read(length)), file.read()
text = json.dumps({prefix + key.removeprefix(lost): tensor for key, tensor in header.items()}).encode()
with open(f"{target}/model.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
