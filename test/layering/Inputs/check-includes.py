"""Checks every #include against the table of ALLOW lines. Arguments: the file with the table, the
repository."""

import pathlib
import re
import sys

# <...> is the C++ library's and the system's unless it begins so.
OURS = ("dialect/", "frontend/", "passes/", "codegen/", "runtime/", "tools/",
        "mlir", "llvm", "clang", "lld/", "absl/")

table = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
root = pathlib.Path(sys.argv[2])
allowed = {}
for folder, names in re.findall(r"^# ALLOW ([\w/]+): (.*)$", table, re.MULTILINE):
    allowed.setdefault(folder, [folder + "/"]).extend(names.split())

files, includes, errors = 0, 0, 0
for folder, prefixes in allowed.items():
    for path in sorted(root.joinpath(folder).rglob("*")):
        if path.suffix not in (".h", ".cpp", ".c", ".td"):
            continue
        files += 1
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#?\s*include\s*([<"])([^>"]+)', line)
            if not match or (match[1] == "<" and not match[2].startswith(OURS)):
                continue
            includes += 1
            if not match[2].startswith(tuple(prefixes)):
                errors += 1
                print(f"{path.relative_to(root)}:{number}: {folder} may not include {match[2]}")
print(f"checked {includes} includes of {files} files")
sys.exit(errors > 0)
