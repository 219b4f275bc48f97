"""Writes a small tokenizer.json, right or wrong as the options say."""

import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--pieces", type=int, default=32)
parser.add_argument("--prefix", type=int, help="the id before every text")
parser.add_argument("--normalizer", help="its type")
options = parser.parse_args()

pieces = ["<pad>", "<unk>", "<s>", "</s>", "a", "b", "ab", "ba"]
pieces += [f"<0x{i:02X}>" for i in range(options.pieces - len(pieces))]
single = [{"SpecialToken": {"id": "begin", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
special = {"begin": {"id": "begin", "ids": [options.prefix], "tokens": ["begin"]}}
contents = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [{"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False, "special": True} for i in range(4)],
    "normalizer": {"type": options.normalizer} if options.normalizer else None,
    "pre_tokenizer": None,
    "post_processor": None if options.prefix is None else
    {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": special},
    "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
              "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
              "vocab": {piece: i for i, piece in enumerate(pieces)}, "merges": [["a", "b"], ["b", "a"]]},
}
with open(options.file, "w") as file:
    json.dump(contents, file)
