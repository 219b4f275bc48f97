"""Puts each of two files in place of each file of a model folder, and prints what strata-inspect says."""

import os
import shutil
import subprocess
import sys

right, *impostors = sys.argv[1:]
WEIGHTS = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "model.gguf", "model.nemo",
           "model_config.yaml"]
for name in ["config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json", "tokenizer.model"] + WEIGHTS:
    for impostor in impostors:
        folder = right + ".impostor"
        shutil.copytree(right, folder)
        if name in WEIGHTS:
            os.remove(f"{folder}/model.safetensors")
        if name == "tokenizer.model":
            os.remove(f"{folder}/tokenizer.json")
        shutil.copy(impostor, f"{folder}/{name}")
        result = subprocess.run(["strata-inspect", folder], capture_output=True, text=True)
        said = [line for line in (result.stdout + result.stderr).splitlines() if " this is a" in line]
        print(f"{os.path.basename(impostor)} in {name}: {said[0] if said and result.returncode == 1 else result}")
        shutil.rmtree(folder)
