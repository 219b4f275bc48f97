"""Prints a passage and then the same passage edited, as an answer that repeats most of its prompt:
edited_text.py FILE WORDS. Of the second, each 20th word is another, each 50th is left out and each
50th is written twice."""

import sys

path, words = sys.argv[1], int(sys.argv[2])
with open(path, encoding="utf-8") as file:
    passage = file.read().split(" ")[:words]
others = sorted(set(passage), key=lambda word: (len(word), word))
edited = []
for i, word in enumerate(passage):
    if i % 50 == 17:
        continue
    edited.append(others[(i * 7) % len(others)] if i % 20 == 9 else word)
    if i % 50 == 33:
        edited.append(word)
print(" ".join(passage) + "\n\n" + " ".join(edited))
