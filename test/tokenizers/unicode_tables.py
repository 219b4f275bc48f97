#!/usr/bin/env python3
"""Writes runtime/tokenizer/UnicodeTables*.cpp: what the package `tokenizers` takes characters for, asked about each of them. (It has
them from five sources with as many versions of Unicode.) Needs the package `regex`, too."""
import pathlib

import regex
from unicode_numbers import ranges

from tokenizers import Regex, normalizers, pre_tokenizers

FOLDER = pathlib.Path(__file__).parent.parent.parent / "runtime/tokenizer"
CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]

HEAD = """//===- {file} - written by test/tokenizers/unicode_tables.py -===//
#include "runtime/tokenizer/UnicodeTables.h"
#include "runtime/tokenizer/UnicodeRanges.h"

namespace strata {{
"""


def pieces(rule, text):
    return [piece for piece, _ in rule.pre_tokenize_str(text)]


def splits(rule):
    """The characters that a rule takes out of a word."""
    return [c for c in CHARACTERS if len(pieces(rule, "\x01" + chr(c))) == 2]


def of_expression(expression):
    return splits(pre_tokenizers.Split(Regex(expression), "isolated"))


def lower():
    """First and last character, the step between two, what is added to each."""
    result = []
    for c in CHARACTERS:
        small = normalizers.Lowercase().normalize_str(chr(c))
        if small == chr(c) or len(small) > 1:
            continue
        difference = ord(small) - c
        last = result[-1] if result else [0, -9, 0, 0]
        if last[3] == difference and c - last[1] in (1, 2) and last[2] in (0, c - last[1]):
            last[1], last[2] = c, c - last[1]
        else:
            result.append([c, c, 0, difference])
    return [[first, last, step or 1, difference] for first, last, step, difference in result]


def scripts():
    """First and last character and a number for the script; characters of any script are left out."""
    rule = pre_tokenizers.UnicodeScripts()
    anywhere = {c for c in CHARACTERS if all(pieces(rule, x + chr(c)) == [x + chr(c)] for x in "a中")}
    result, first_of_script = [], []
    for c in CHARACTERS:
        if c in anywhere:
            continue
        if result and result[-1][1] == c - 1 and len(pieces(rule, chr(c - 1) + chr(c))) == 1:
            result[-1][1] = c
            continue
        same = [i for i, first in enumerate(first_of_script) if len(pieces(rule, chr(first) + chr(c))) == 1]
        if not same:
            first_of_script.append(c)
        result.append([c, c, same[0] + 1 if same else len(first_of_script)])
    return result


def newer():
    """What Unicode's normal forms change, join or reorder by now, and `tokenizers` does not."""
    nfc, nfd, nfkd = (getattr(normalizers, form)().normalize_str for form in ("NFC", "NFD", "NFKD"))
    every = "".join(map(chr, CHARACTERS))
    marks = set(regex.findall(r"\P{Canonical_Combining_Class=0}", every))
    changed = set(regex.findall(r"[\p{NFC_QC=N}\p{NFKC_QC=N}\p{NFD_QC=N}\p{NFKD_QC=N}]", every))
    seconds = set(regex.findall(r"\p{NFC_QC=M}", every))
    joined = {second for c in changed for second in nfd(c)[1:]}
    for c in sorted(marks | changed | seconds):
        is_known = nfkd(c) != c or nfc(c) != c or c in joined
        if c in marks:
            is_known |= nfd("a" + c + "\u0334") != "a" + c + "\u0334" or nfd("a\u0345" + c) != "a\u0345" + c
        if not is_known:
            yield ord(c)


def table(name, kind, entries, comment):
    texts = ["{" + ", ".join(f"0x{v:04X}" if i < 2 else str(v) for i, v in enumerate(entry)) + "}" for entry in entries]
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) > 97:
            lines.append(line)
            line = "   "
        line += " " + text + ","
    return f"\n// {comment}\nstatic constexpr {kind} {name}[] = {{\n" + "\n".join(lines + [line.rstrip(',')]) + "};\n"


def write(name, *parts):
    text = HEAD.format(file=name) + "".join(parts) + "\n} // namespace strata\n"
    (FOLDER / name).write_text(text, encoding="utf-8")


def is_in(function, name):
    return f"\nbool {function}(char32_t character) {{ return findRange({name}, character); }}\n"


PAIRS = "First and last character of each range, ascending."

if __name__ == "__main__":
    write("UnicodeClasses.cpp",
          table("kLetters", "CharacterRange", ranges(of_expression(r"\p{L}")), PAIRS), is_in("isLetter", "kLetters"),
          table("kNumbers", "CharacterRange", ranges(of_expression(r"\p{N}")), PAIRS), is_in("isNumeral", "kNumbers"),
          table("kPunctuation", "CharacterRange", ranges(splits(pre_tokenizers.Punctuation("isolated"))), PAIRS),
          is_in("isPunctuation", "kPunctuation"))
    write("UnicodeCases.cpp",
          table("kCapitals", "CapitalRange", lower(), "First and last capital letter, the step between two, what makes them small."),
          """
char32_t smallLetter(char32_t character) {
  const CapitalRange *range = findRange(kCapitals, character);
  const bool isCapital = range && (character - range->first) % range->step == 0;
  return isCapital ? char32_t(int32_t(character) + range->difference) : character;
}
""")
    write("UnicodeScripts.cpp",
          table("kScripts", "ScriptRange", scripts(), "First and last character and the script's number."),
          """
int scriptOf(char32_t character) {
  const ScriptRange *range = findRange(kScripts, character);
  return range ? range->script : 0;
}
""")
    write("UnicodeNewer.cpp", table("kNewer", "CharacterRange", ranges(newer()), PAIRS), is_in("isNewer", "kNewer"))
