#!/usr/bin/env python3
"""Writes runtime/tokenizer/UnicodeNumbers.cpp: the characters that the package `tokenizers` splits at as digits."""
from tokenizers import pre_tokenizers

HEAD = """//===- UnicodeNumbers.cpp - written by test/tokenizers/unicode_numbers.py -===//
#include "runtime/tokenizer/UnicodeNumbers.h"

#include "runtime/tokenizer/UnicodeRanges.h"

namespace strata {

// First and last character of each range, ascending.
static constexpr CharacterRange kNumbers[] = {
"""
TAIL = """
};

bool isNumber(char32_t character) { return findRange(kNumbers, character); }

} // namespace strata
"""


def numbers():
    digits = pre_tokenizers.Digits(individual_digits=True)
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for text, _ in digits.pre_tokenize_str("x" + "x".join(every) + "x"):
        if len(text) == 1 and text != "x":
            yield ord(text)


def ranges(characters):
    result = []
    for c in characters:
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


if __name__ == "__main__":
    entries = [f"{{0x{a:04X}, 0x{b:04X}}}" for a, b in ranges(numbers())]
    lines = ["    " + ", ".join(entries[i:i + 5]) for i in range(0, len(entries), 5)]
    print(HEAD + ",\n".join(lines) + TAIL, end="")
