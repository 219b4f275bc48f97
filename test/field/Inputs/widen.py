"""Adds rows of zeros to the embedding and the head of the model in a folder, as fine-tuning does for new tokens."""

import json
import struct
import sys

folder, count = sys.argv[1], int(sys.argv[2])
with open(f"{folder}/model.safetensors", "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header, data = json.loads(file.read(length)), file.read()
tensors = {}
for key, tensor in header.items():
    if key != "__metadata__":
        begin, end = tensor["data_offsets"]
        tensors[key] = (tensor["dtype"], tensor["shape"], data[begin:end])
for key in ["model.embed_tokens.weight", "lm_head.weight"]:
    dtype, (rows, columns), bytes_ = tensors[key]
    tensors[key] = (dtype, [rows + count, columns], bytes_ + bytes(count * columns * len(bytes_) // (rows * columns)))
header, data = {}, b""
for key, (dtype, shape, bytes_) in tensors.items():
    header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
    data += bytes_
text = json.dumps(header).encode()
with open(f"{folder}/model.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
with open(f"{folder}/config.json") as file:
    config = json.load(file)
config["vocab_size"] += count
with open(f"{folder}/config.json", "w") as file:
    json.dump(config, file)
