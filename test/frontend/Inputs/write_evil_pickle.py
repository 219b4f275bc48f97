"""Writes a pytorch_model.bin whose pickle, if it were loaded as Python does, would create a file.

Arguments: the archive to write, the file that must not appear."""

import os
import pickle
import sys
import zipfile


class Evil:
    def __reduce__(self):
        return os.system, (f"touch '{sys.argv[2]}'",)


with zipfile.ZipFile(sys.argv[1], "w") as archive:
    archive.writestr("archive/data.pkl", pickle.dumps(Evil(), protocol=2))
