"""2,000 texts to tokenize, the same on every machine: thirty scripts, digits, runs of spaces, emoji, control characters,
strings that look like special tokens, and bytes that are no UTF-8."""
import random

COUNT = 2000

# First and last letter; enough of each script for words that no vocabulary knows.
SCRIPTS = {
    "Latin": (0x61, 0x7A), "Latin Extended": (0xC0, 0x17F), "Greek": (0x391, 0x3C9), "Cyrillic": (0x410, 0x44F),
    "Armenian": (0x561, 0x586), "Hebrew": (0x5D0, 0x5EA), "Arabic": (0x621, 0x64A), "Syriac": (0x710, 0x72C),
    "Thaana": (0x780, 0x7A5), "Devanagari": (0x905, 0x94D), "Bengali": (0x985, 0x9B9), "Gurmukhi": (0xA05, 0xA39),
    "Gujarati": (0xA85, 0xAB9), "Oriya": (0xB05, 0xB39), "Tamil": (0xB85, 0xBB9), "Telugu": (0xC05, 0xC39),
    "Kannada": (0xC85, 0xCB9), "Malayalam": (0xD05, 0xD39), "Sinhala": (0xD85, 0xDC6), "Thai": (0xE01, 0xE2E),
    "Lao": (0xE81, 0xEAE), "Tibetan": (0xF40, 0xF6C), "Georgian": (0x10D0, 0x10FA), "Ethiopic": (0x1200, 0x1357),
    "Cherokee": (0x13A0, 0x13F4), "Khmer": (0x1780, 0x17A2), "Mongolian": (0x1820, 0x1877),
    "Hiragana": (0x3041, 0x3096), "Han": (0x4E00, 0x4F00), "Hangul": (0xAC00, 0xAD00), "Gothic": (0x10330, 0x1034A),
}
ENGLISH = ("in the beginning was word and god created heaven earth light day night unto him said that which shall not with "
           "children lord people israel king house").split()
DIGITS = ["0", "7", "42", "1984", "3.14", "1,000,000", "٣٤", "८९", "½", "Ⅻ", "①", "²", "𝟘", "一"]
SPACES = [" ", "  ", "     ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00A0", "\u3000", "\u2003", "\u200B", "\u2581", " \u2581 "]
EMOJI = ["😀", "👩‍🚀", "🏳️‍🌈", "👍🏽", "🇫🇷", "❤️", "☃"]
CONTROL = ["\0", "\x01", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffd", "\U0010FFFF", "e\u0301"]
SPECIAL = ["<s>", "</s>", "<unk>", "<pad>", "<extra_id_0>", "<extra_id_1>", "<extra_id_0>System\n", "<0x0A>", "<0x41>", "<mask>",
           "<tool>", " <tool> ", "<<tool>>", "</", "<s", "[SEP]", "\n[SEP]\t", "user:", "<extra_id_1>User\n", "<tool>x</tool>"]
NO_UTF8 = [b"\xff", b"\x80", b"\xc3", b"\xe2\x96", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x28\xa1"]


def word(rng):
    if rng.random() < 0.4:
        text = rng.choice(ENGLISH)
        return rng.choice([text, text.capitalize(), text.upper()])
    first, last = SCRIPTS[rng.choice(sorted(SCRIPTS))]
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 7)))


def part(rng):
    kind = rng.random()
    if kind < 0.5:
        return word(rng).encode()
    if kind < 0.95:
        return rng.choice(rng.choice([DIGITS, SPACES, SPACES, EMOJI, CONTROL, SPECIAL, [".", ",", "!?", "-", "'s", "…"]])).encode()
    return rng.choice(NO_UTF8)


def text(rng):
    parts = []
    for _ in range(rng.randint(1, 10)):
        parts += [part(rng), rng.choice([b" ", b" ", b""])]
    return b"".join(parts)


def texts():
    rng = random.Random(20)
    fixed = [b"", b" ", b"  ", b"a", b" a", b"a ", b"hello world", b"\n", b"\0", "▁".encode(), b"</s>", b"<extra_id_1>", b" <s> "]
    fixed += [b"a" * 300, b"ab" * 200, b" " * 200, "é".encode() * 200, b"the " * 50]
    return fixed + [text(rng) for _ in range(COUNT - len(fixed))]


# What normal forms, case, scripts and classes of characters are about.
PAIRS = ["e\u0301", "A\u030A", "q\u0307\u0323", "\u1100\u1161\u11A8", "가\u11A8", "ﬁ", "①", "Å", "½", "ｱﾞ", "㌔", "ﷺ", "\u0958", "\u0344",
         "İ", "ẞ", "Σ", "ǅ", "Ⅷ", "Ⓐ", "\u212B", "Ａ", "ϓ", "\u2126", "\u0F73", "\u1D15E", "日本ー語", "カタ", "ひらカナ漢", "한국"]
ENGLISH_PARTS = ["don't", "I'll", "we've", "'s", "IT'S", "it''s", "they're", "'d", " 'm", "l'été", "rock'n'roll", "'", "''"]


def character(rng):
    """Any at all, those of the first plane and of letters more often."""
    kind = rng.random()
    code = rng.randrange(0x3000) if kind < 0.5 else rng.randrange(0x10000) if kind < 0.75 else rng.randrange(0x10000, 0x1FC00)
    return chr(code) if not 0xD800 <= code < 0xE000 else "中"


def unicode_text(rng):
    parts = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.3:
            parts.append("".join(character(rng) for _ in range(rng.randint(1, 4))))
        elif kind < 0.5:
            parts.append(rng.choice(PAIRS) + "".join(chr(rng.randrange(0x300, 0x370)) for _ in range(rng.randint(0, 2))))
        elif kind < 0.6:
            parts.append(rng.choice(ENGLISH_PARTS))
        else:
            parts.append(part(rng).decode("utf-8", "replace"))
        parts.append(rng.choice([" ", "", "", "  ", "\n"]))
    return "".join(parts).encode()


def unicode_texts(count=1000, seed=21):
    """For rules that know Unicode."""
    rng = random.Random(seed)
    fixed = [b"", b" ", b"  ", b" \n ", b"\xef\xbd\xb1", "ー".encode(), "  ー中".encode(), "\u0301".encode(), "a\u0301 \u0301".encode()]
    return fixed + [unicode_text(rng) for _ in range(count - len(fixed))]


def escape(data):
    """One text a line: what ends a line or a backslash is written \\n, \\r, \\\\."""
    return data.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


def well_formed(data):
    """As a str, with U+FFFD for each byte that is part of no character."""
    return data.decode("utf-8", "surrogateescape").translate({c: "\ufffd" for c in range(0xDC80, 0xDD00)})
