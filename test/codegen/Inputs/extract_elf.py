"""extract_elf.py PACKAGE OUT   writes the first ELF object of a package to OUT, up to the file's end."""
import sys

data = open(sys.argv[1], "rb").read()
start = data.index(b"\x7fELF")
open(sys.argv[2], "wb").write(data[start:])
