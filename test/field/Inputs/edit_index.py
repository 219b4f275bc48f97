"""Edits the index of two shards, and the shards: KEY=N names the N-th shard for a tensor, KEY= none."""

import argparse
import json
import struct

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("edits", nargs="*")
parser.add_argument("--add", nargs=2, action="append", default=[], help="N KEY: a copy of model.norm.bias in the N-th shard")
parser.add_argument("--rename", help="KEY=NEW: what a tensor is called in its shard")
options = parser.parse_intermixed_args()


def shard(number):
    return f"model-0000{number}-of-00002.safetensors"


def read(number):
    with open(f"{options.folder}/{shard(number)}", "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length)), file.read()


def write(number, header, data):
    text = json.dumps(header).encode()
    with open(f"{options.folder}/{shard(number)}", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


path = f"{options.folder}/model.safetensors.index.json"
with open(path) as file:
    index = json.load(file)
for edit in options.edits:
    key, number = edit.split("=")
    index["weight_map"].pop(key, None)
    if number:
        index["weight_map"][key] = shard(number)
with open(path, "w") as file:
    json.dump(index, file)
for number, key in options.add:
    header, data = read(number)
    if key not in header:
        size = next(t["shape"][0] for n in (1, 2) for name, t in read(n)[0].items() if name == "model.norm.bias")
        header[key] = {"dtype": "BF16", "shape": [size], "data_offsets": [len(data), len(data) + 2 * size]}
        write(number, header, data + bytes(2 * size))
if options.rename:
    key, new = options.rename.split("=")
    for number in (1, 2):
        header, data = read(number)
        write(number, {new if name == key else name: tensor for name, tensor in header.items()}, data)
