"""Copies a model folder, once for each way in which chat templates are found: MODEL.list, MODEL.object, ..."""

import json
import os
import shutil
import sys

NEMOTRON = ("{{'<extra_id_0>System'}}{% for m in messages %}{% if loop.first %}{{'\n'}}{% endif %}"
            "{{'<extra_id_1>User\n' + m['content'] + '\n<extra_id_1>Assistant\n'}}{% endfor %}")
OTHER = "{% for m in messages %}<|im_start|>{{ m['content'] }}{% endfor %}"
FOLDERS = {  # what tokenizer_config.json and chat_template.jinja hold; none: there is no such file
    "list": ([{"name": "rag", "template": OTHER}, {"name": "default", "template": NEMOTRON}], None),
    "object": ({"rag": OTHER, "default": NEMOTRON}, None),
    "dos": (NEMOTRON.replace("\n", "\r\n"), None),
    "file": (OTHER, NEMOTRON.replace("\n", "\r\n")),
    "alone": (None, NEMOTRON),
    "others": ([{"name": "rag", "template": OTHER}, {"name": "tools", "template": NEMOTRON}], None),
    "named": ({"rag": OTHER}, None),
    "number": (5, None),
    "folder": (NEMOTRON, None),
    "none": ([], None),
    "nothing": ({}, None),
    "blank": ("", None),
}
for name, (key, file) in FOLDERS.items():
    folder = f"{sys.argv[1]}.{name}"
    shutil.copytree(sys.argv[1], folder)
    if key is not None:
        with open(f"{folder}/tokenizer_config.json", "w") as config:
            json.dump({"chat_template": key}, config)
    if file is not None:
        with open(f"{folder}/chat_template.jinja", "w", newline="") as template:
            template.write(file)
os.mkdir(f"{sys.argv[1]}.folder/chat_template.jinja")
