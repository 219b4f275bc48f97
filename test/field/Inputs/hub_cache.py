"""Puts a model folder into a cache as the Hub's clients lay it out."""

import os
import shutil
import sys

REVISION = "0123456789abcdef0123456789abcdef01234567"

source, cache = sys.argv[1:]
repository = f"{cache}/models--nobody--tiny"
for folder in ["blobs", "refs", f"snapshots/{REVISION}"]:
    os.makedirs(f"{repository}/{folder}")
for number, name in enumerate(sorted(os.listdir(source))):
    blob = f"{number:064x}"
    shutil.copy(f"{source}/{name}", f"{repository}/blobs/{blob}")
    os.symlink(f"../../blobs/{blob}", f"{repository}/snapshots/{REVISION}/{name}")
with open(f"{repository}/refs/main", "w") as file:
    file.write(REVISION)
