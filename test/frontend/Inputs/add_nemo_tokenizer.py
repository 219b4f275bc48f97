"""add_nemo_tokenizer.py IN MODEL OUT   a copy of the .nemo archive IN whose tokenizer is MODEL."""
import io
import sys
import tarfile

source, model, target = sys.argv[1:]
with tarfile.open(source) as old, tarfile.open(target, "w") as new:
    for member in old.getmembers():
        contents = old.extractfile(member).read() if member.isfile() else b""
        if member.name.endswith("model_config.yaml"):
            contents = contents.replace(b"  model: null", b"  model: nemo:tokenizer.model")
            member.size = len(contents)
        new.addfile(member, io.BytesIO(contents))
    new.add(model, "tokenizer.model")
