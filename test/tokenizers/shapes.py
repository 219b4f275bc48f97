"""The tokenizers that are compared: made here, so that none has to be downloaded."""
import json
import types

import texts

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import LlamaConverter, generate_merges


def corpus(demo):
    held = open(f"{demo}/heldout.txt", encoding="utf-8").read().splitlines()
    return held[:1500] + [texts.well_formed(t) for t in texts.texts()[:300]]


def unicode_corpus(demo):
    return corpus(demo) + [texts.well_formed(t) for t in texts.unicode_texts()]


class Extractor:
    """What LlamaConverter asks for the merges; the one of transformers 5 has another interface than it calls."""

    def __init__(self, file):
        pass

    def extract(self, scores):
        vocabulary = {piece: id for id, (piece, _) in enumerate(scores)}
        return vocabulary, generate_merges(vocabulary, scores)


def converted(demo, legacy):
    """What transformers makes of the demonstration model's tokenizer.model, as NVIDIA's own files were made."""
    pieces = {0: "<pad>", 1: "<unk>", 2: "<s>"}
    slow = types.SimpleNamespace(vocab_file=f"{demo}/tokenizer.model", legacy=legacy, add_prefix_space=True,
                                 convert_ids_to_tokens=pieces.get)
    converter = LlamaConverter(slow)
    converter.SpmExtractor = Extractor
    return converter.converted()


def train(tokenizer, demo, corpus=corpus, **options):
    trainer = trainers.BpeTrainer(show_progress=False, **options)
    tokenizer.train_from_iterator(corpus(demo), trainer)
    return tokenizer


def metaspace(demo):
    """Without byte fallback: Metaspace that splits, digits one by one, a prefix."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="first"), pre_tokenizers.Digits(individual_digits=True)])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    train(tokenizer, demo, vocab_size=500, limit_alphabet=80, special_tokens=["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def fallback(demo):
    """Byte fallback and added tokens of every kind."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    train(tokenizer, demo, vocab_size=700, limit_alphabet=60, special_tokens=["<unk>", "<s>", "</s>"] + BYTES)
    vocabulary = json.loads(tokenizer.to_str())  # the byte pieces are not special, only in the vocabulary
    vocabulary["added_tokens"] = [t for t in vocabulary["added_tokens"] if t["content"] not in BYTES]
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary))
    tokenizer.add_special_tokens([AddedToken("<extra_id_0>", normalized=False), AddedToken("<extra_id_1>", normalized=False)])
    tokenizer.add_tokens([AddedToken("<tool>", lstrip=True), AddedToken("</tool>", rstrip=True, normalized=False),
                          AddedToken("[SEP]", lstrip=True, rstrip=True), AddedToken("<tool>x"), AddedToken("the lord", normalized=False),
                          AddedToken("  ", normalized=False)])
    return tokenizer


def words(demo):
    """Whole words first, no unknown piece, white space stripped, spaces split off and dropped, no decoder."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Replace("'", "’")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split(",", "isolated"), pre_tokenizers.Digits()])
    return train(tokenizer, demo, vocab_size=400, limit_alphabet=120, special_tokens=["</s>"])


def bytes_of_words(demo):
    """As GPT-2's: GPT-2's expression, every byte a character, composed first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, demo, unicode_corpus, vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "</s>"])
    tokenizer.add_tokens([AddedToken("the lord", normalized=False), AddedToken("▁ü", normalized=False)])
    return tokenizer


def bytes_of_scripts(demo):
    """Small letters, scripts, runs of punctuation; then all bytes as characters, a space before each word."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.UnicodeScripts(), pre_tokenizers.Punctuation("contiguous"),
         pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, demo, unicode_corpus, vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["</s>"])


def scripts(demo):
    """Leading spaces belong to no script; digits, punctuation that ends a word; tokens found in small letters."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.NFC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.UnicodeScripts(), pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.Punctuation("merged_with_previous")])
    train(tokenizer, demo, unicode_corpus, vocab_size=700, limit_alphabet=300, special_tokens=["<unk>", "</s>"])
    tokenizer.add_tokens([AddedToken("god", single_word=True), AddedToken("é", lstrip=True), AddedToken("'s", rstrip=True)])
    return tokenizer


def runs(demo):
    """Runs of letters or of others; forms of compatibility, and tokens found in them."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    train(tokenizer, demo, unicode_corpus, vocab_size=700, limit_alphabet=300, special_tokens=["<unk>", "</s>"])
    tokenizer.add_tokens([AddedToken("fi"), AddedToken("1⁄2", normalized=True)])
    return tokenizer


def with_string_merges(tokenizer):
    """As older files have them."""
    contents = json.loads(tokenizer.to_str())
    merges = contents["model"]["merges"]
    if all(" " not in part for merge in merges for part in merge):
        contents["model"]["merges"] = [" ".join(merge) for merge in merges]
    return contents


def unicode_shapes(demo):
    """Rules that know Unicode, on unicode_texts()."""
    for name, tokenizer in (("bytes-of-words", bytes_of_words(demo)), ("bytes-of-scripts", bytes_of_scripts(demo)),
                            ("scripts", scripts(demo)), ("runs", runs(demo))):
        yield name, json.loads(tokenizer.to_str())


def shapes(demo):
    yield "llama-legacy", with_string_merges(converted(demo, legacy=True))
    for name, tokenizer in (("llama", converted(demo, legacy=False)), ("metaspace", metaspace(demo)),
                            ("fallback", fallback(demo)), ("words", words(demo))):
        yield name, json.loads(tokenizer.to_str())
