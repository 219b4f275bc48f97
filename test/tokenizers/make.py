#!/usr/bin/env python3
"""Writes what test/runtime/tokenizer/TokenizerTextsTest.cpp reads: texts.txt, unicode.txt, the tokenizers NAME.json, and NAME.expected, a
line a text with a hash of the ids and the decoded text that the packages `sentencepiece` and `tokenizers` give.

    python3 -m venv venv && venv/bin/pip install sentencepiece==0.2.3 tokenizers==0.23.3 transformers==5.23.0 protobuf
    venv/bin/python test/tokenizers/make.py
"""
import json
import pathlib

import sentencepiece
import shapes
import texts

from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).parent
DEMO = FOLDER.parent.parent / "models/demo"


def fnv(data):
    """FNV-1a, 64 bits, folded to 32."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value >> 32 ^ value & 0xFFFFFFFF


def line(ids, decoded):
    return f"{fnv(b''.join(id.to_bytes(4, 'little') for id in ids) + decoded.encode()):08x}"


def by_sentencepiece(all_texts):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(DEMO / "tokenizer.model"))
    for text in all_texts:
        ids = processor.encode(text)
        yield line(ids, processor.decode(ids))


def by_tokenizers(contents, all_texts):
    """Special tokens as ids, then as text."""
    tokenizer = Tokenizer.from_str(json.dumps(contents))
    for text in all_texts:
        columns = []
        for tokenizer.encode_special_tokens in (False, True):
            ids = tokenizer.encode(texts.well_formed(text), add_special_tokens=False).ids
            columns.append(line(ids, tokenizer.decode(ids, skip_special_tokens=True)))
        yield " ".join(columns)


def write(name, lines):
    (FOLDER / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    all_texts = texts.texts()
    (FOLDER / "texts.txt").write_bytes(b"".join(texts.escape(text) + b"\n" for text in all_texts))
    write("demo.expected", by_sentencepiece(all_texts))
    for name, contents in shapes.shapes(DEMO):
        write(f"{name}.json", [json.dumps(contents, ensure_ascii=False, separators=(",", ":"))])
        write(f"{name}.expected", by_tokenizers(contents, all_texts))
    unicode_texts = texts.unicode_texts()
    (FOLDER / "unicode.txt").write_bytes(b"".join(texts.escape(text) + b"\n" for text in unicode_texts))
    for name, contents in shapes.unicode_shapes(DEMO):
        write(f"{name}.json", [json.dumps(contents, ensure_ascii=False, separators=(",", ":"))])
        write(f"{name}.expected", by_tokenizers(contents, unicode_texts))
