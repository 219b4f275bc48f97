"""Checks every #include against the table of ALLOW lines. Arguments: the file with the table, the
repository. A line counts for the folder and all below it that have no line of their own. Of a folder with a
SHOWN line only those headers may be included from elsewhere."""

import pathlib
import re
import sys

# <...> is the C++ library's and the system's unless it begins so.
OURS = ("dialect/", "frontend/", "passes/", "codegen/", "runtime/", "compiler/", "tools/",
        "mlir", "llvm", "clang", "lld/", "absl/")

table = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
root = pathlib.Path(sys.argv[2])
allowed = {}
for folder, names in re.findall(r"^# ALLOW ([\w/]+):(.*)$", table, re.MULTILINE):
    allowed.setdefault(folder, [folder + "/"]).extend(names.split())
shown = {room: names.split() for room, names in re.findall(r"^# SHOWN ([\w/]+): (.*)$", table, re.MULTILINE)}

def room_of(path):
    """The innermost folder of the table that holds the file; none if no folder does."""
    folders = [str(parent) for parent in path.relative_to(root).parents]
    return next((folder for folder in folders if folder in allowed), None)


def may_include(folder, name):
    """Whether the folder's line has the header, and the header's room, if that is another, shows it."""
    hidden = any(name.startswith(room) and name not in names and folder + "/" != room
                 for room, names in shown.items())
    return name.startswith(tuple(allowed[folder])) and not hidden


files, includes, errors = 0, 0, 0
tops = sorted({folder.split("/")[0] for folder in allowed})
for path in (path for top in tops for path in sorted(root.joinpath(top).rglob("*"))):
    if path.suffix not in (".h", ".cpp", ".c", ".td") or not (folder := room_of(path)):
        continue
    files += 1
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#?\s*include\s*([<"])([^>"]+)', line)
        if not match or (match[1] == "<" and not match[2].startswith(OURS)):
            continue
        includes += 1
        if not may_include(folder, match[2]):
            errors += 1
            print(f"{path.relative_to(root)}:{number}: {folder} may not include {match[2]}")
print(f"checked {includes} includes of {files} files")
sys.exit(errors > 0)
