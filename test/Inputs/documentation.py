"""Runs the examples of .td files. Arguments: the files.

Each ```mlir block is a whole program and must pass strata-opt's verifier. Every op must have one in
its own description that uses it. In the description of a pass, `Before:` is run through the pass and
must become `After:`, both as strata-opt prints them."""

import re
import subprocess
import sys

DEFINITION = re.compile(r"^def (\w+).*?(?=^def |\Z)", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"(Before:|After:)?\s*```mlir\n(.*?)```", re.DOTALL)
OP = re.compile(r"def \w+Op : Decoder_\w+<\"(\w+)\"")
PASS = re.compile(r"def \w+ : Pass<\"([\w-]+)\"")


def strata_opt(program, *flags):
    run = subprocess.run(["strata-opt", "--verify-roundtrip", *flags], input=program, text=True,
                         capture_output=True)
    return run.stdout, run.stderr


def check(definition):
    """The number of examples of one definition, and what is wrong with them."""
    examples = EXAMPLE.findall(definition)
    errors = [error for _, program in examples if (error := strata_opt(program)[1])]
    op = OP.match(definition)
    if op and not any(re.search(rf"decoder\.{op[1]}\b", program) for _, program in examples):
        errors.append(f"decoder.{op[1]} has no example that uses it")
    marked = {mark: program for mark, program in examples if mark}
    if marked:
        got, error = strata_opt(marked["Before:"], "--" + PASS.match(definition)[1])
        expected, _ = strata_opt(marked["After:"])
        if error or got != expected:
            errors.append(f"expected {expected}\ngot {got}{error}")
    return len(examples), errors


count, failed = 0, False
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for match in DEFINITION.finditer(text):
        examples, errors = check(match[0])
        count += examples
        for error in errors:
            failed = True
            print(f"{path}: {match[1]}: {error}")
print(f"ran {count} examples")
sys.exit(failed)
