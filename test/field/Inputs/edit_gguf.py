"""Copies a GGUF file with a vocabulary and other metadata: KEY=VALUE, of a number, true, false or a text."""

import struct
import sys

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def array(kind, values):
    pack = {STRING: text, FLOAT32: lambda v: struct.pack("<f", v), INT32: lambda v: struct.pack("<i", v)}[kind]
    return struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(map(pack, values))


def value(spelled):
    if spelled in ("true", "false"):
        return struct.pack("<IB", BOOL, spelled == "true")
    return struct.pack("<II", UINT32, int(spelled)) if spelled.isdigit() else struct.pack("<I", STRING) + text(spelled)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 24

    def number(self, form):
        (result,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return result

    def text(self):
        length = self.number("<Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def skip(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            kind, count = self.number("<I"), self.number("<Q")
            for _ in range(count):
                self.skip(kind)
        else:
            self.at += SIZES[kind]


source, target, *edits = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
tensors, keys = struct.unpack_from("<QQ", data, 8)
reader, kept, rows = Reader(data), [], 0
for _ in range(keys):
    begin, key = reader.at, reader.text()
    reader.skip(reader.number("<I"))
    if not key.startswith("tokenizer."):
        kept.append(data[begin:reader.at])
described = reader.at
for _ in range(tensors):
    name = reader.text()
    shape = [reader.number("<Q") for _ in range(reader.number("<I"))]
    rows = shape[1] if name == "token_embd.weight" else rows
    reader.at += 12
pieces = ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "\u2581a", "ab", "<extra_id_0>", "<extra_id_1>", "\n"]
pieces += [f"piece{i}" for i in range(len(pieces), rows)]
types = [2, 3, 3] + [4 if piece.startswith("<extra") else 1 for piece in pieces[3:]]
metadata = {"tokenizer.ggml.model": value("llama"), "tokenizer.ggml.tokens": array(STRING, pieces),
            "tokenizer.ggml.scores": array(FLOAT32, [-i for i in range(rows)]),
            "tokenizer.ggml.token_type": array(INT32, types)}
metadata |= {edit.split("=", 1)[0]: value(edit.split("=", 1)[1]) for edit in edits}
kept += [text(key) + contents for key, contents in metadata.items()]
header = data[:8] + struct.pack("<QQ", tensors, len(kept)) + b"".join(kept) + data[described:reader.at]
begin = -(-reader.at // 32) * 32
with open(target, "wb") as file:
    file.write(header + bytes(-len(header) % 32) + data[begin:])
