#!/usr/bin/env python3
"""Writes runtime/tokenizer/UnicodeWords.cpp: the characters that the package `tokenizers` takes as parts of a word."""
from tokenizers import AddedToken, Tokenizer, models
from unicode_numbers import HEAD, TAIL, ranges


def words():
    """Those beside which a token that is a single word is not found."""
    tokenizer = Tokenizer(models.BPE({"?": 0}, [], unk_token="?"))
    tokenizer.add_tokens([AddedToken("#", single_word=True, normalized=False)])
    for code in range(0x110000):
        is_character = not 0xD800 <= code < 0xE000 and chr(code) != "#"
        if is_character and tokenizer.token_to_id("#") not in tokenizer.encode(chr(code) + "#").ids:
            yield code


if __name__ == "__main__":
    entries = [f"{{0x{a:04X}, 0x{b:04X}}}" for a, b in ranges(words())]
    lines = ["    " + ", ".join(entries[i:i + 5]) for i in range(0, len(entries), 5)]
    text = HEAD + ",\n".join(lines) + TAIL
    print(text.replace("Numbers", "Words").replace("isNumber", "isWordCharacter").replace("unicode_numbers", "unicode_words"),
          end="")
