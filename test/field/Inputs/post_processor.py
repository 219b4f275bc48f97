"""Gives a tokenizer.json a sequence of post-processors that puts ids around a text, which is the colon among them."""

import json
import sys

path, *parts = sys.argv[1:]
with open(path) as file:
    tokenizer = json.load(file)
single = [{"Sequence": {"id": "A", "type_id": 0}} if part == ":" else {"SpecialToken": {"id": part, "type_id": 0}}
          for part in parts]
tokens = {part: {"id": part, "ids": [int(part)], "tokens": [part]} for part in parts if part != ":"}
template = {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": tokens}
byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
tokenizer["post_processor"] = {"type": "Sequence", "processors": [byte_level, template]}
with open(path, "w") as file:
    json.dump(tokenizer, file)
