"""Prints a random program of kernel ops: random rows, lifetimes and workspace. Argument: the seed."""

import random
import sys

random.seed(int(sys.argv[1]))
values = [("x", 64)]
lines = []
for i in range(120):
    features = random.choice([1, 25, 64, 100, 256, 1000])
    name, columns = random.choice(values[-12:])
    workspace = random.choice(["", "", f" {{decoder.workspace_bytes = {random.randrange(3000)} : i64}}"])
    weight = f"tensor<{features}x{columns}xbf16>"
    lines.append(f'  %w{i} = decoder.parameter "w{i}" : {weight}')
    lines.append(f"  %v{i} = decoder.linear %{name}, [%w{i}]{workspace}"
                 f" : (tensor<?x{columns}xbf16>, {weight}) -> tensor<?x{features}xbf16>")
    values.append((f"v{i}", features))
name, features = values[-1]
print(f"func.func @forward(%x: tensor<?x64xbf16>) -> tensor<?x{features}xbf16> {{")
print("\n".join(lines))
print(f"  return %{name} : tensor<?x{features}xbf16>\n}}")
