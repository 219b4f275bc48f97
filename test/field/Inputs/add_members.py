"""Adds members, as text, a line each, to the object in a JSON file: at its end, or with --at-start before the others."""

import sys

path, *members = sys.argv[1:]
at_start = members[0] == "--at-start"
text = "".join(",\n" + member for member in members[at_start:])
with open(path) as file:
    contents = file.read().strip()
with open(path, "w") as file:
    file.write("{" + text[2:] + ", " + contents[1:] if at_start else contents[:-1] + text + "}")
