#include "runtime/tokenizer/TokenizerJson.h"

#include "runtime/base/MappedFile.h"
#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include "absl/strings/str_replace.h"

#include <gtest/gtest.h>
#include <random>

using namespace strata;

namespace {

/// A tokenizer.json in which each line can be replaced.
constexpr char kSmall[] = R"({
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": null,
  "pre_tokenizer": null,
  "post_processor": null,
  "decoder": null,
  "model": {
    "type": "BPE",
    "dropout": null,
    "unk_token": "?",
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": false,
    "byte_fallback": false,
    "ignore_merges": false,
    "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, "ba": 4},
    "merges": ["a b", "b a"]
  }
})";

using Changes = std::vector<std::pair<absl::string_view, absl::string_view>>;

std::string changed(const Changes &changes) {
  for (const auto &change : changes)
    EXPECT_NE(
        std::string_view(kSmall).find(std::string_view(change.first.data(), change.first.size())),
        std::string_view::npos)
        << change.first;
  return absl::StrReplaceAll(kSmall, changes);
}

std::string errorOf(const std::string &json) {
  const auto tables = compileTokenizerJson(json, "t.json");
  return std::string(tables.status().message());
}

std::string error(const Changes &changes) { return errorOf(changed(changes)); }

std::string nullOf(const std::string &key) { return "\"" + key + "\": null"; }
/// With `value` for a key of the whole file that is null.
std::string errorWith(const std::string &key, const std::string &value) {
  return error({{nullOf(key), "\"" + key + "\": " + value}});
}

/// An added token with the id 5 and one more member.
std::string added(const std::string &member) {
  return error({{"\"added_tokens\": []",
                 R"("added_tokens": [{"id": 5, "content": "<x>", )" + member + "}]"}});
}

std::vector<int32_t> encode(const Changes &changes, const std::string &text) {
  const auto compiled = compileTokenizerJson(changed(changes), "t.json");
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t")->encode(text);
}

using Ids = std::vector<int32_t>;

} // namespace

TEST(TokenizerJson, MergesByRankThenFromTheLeft) {
  EXPECT_EQ(encode({}, "abab"), (Ids{3, 3}));
  EXPECT_EQ(encode({}, "bab"), (Ids{2, 3}));
  EXPECT_EQ(encode({{R"(["a b", "b a"])", R"([["b", "a"], ["a", "b"]])"}}, "bab"), (Ids{4, 2}));
  EXPECT_EQ(encode({{R"("a b", )", R"("#version: 0.2", "b a", "a b", )"}}, "aba"), (Ids{3, 1}))
      << "the last of two equal merges counts";
  EXPECT_EQ(encode({}, "axxb"), (Ids{1, 0, 0, 2}));
  EXPECT_EQ(encode({{"\"fuse_unk\": false", "\"fuse_unk\": true"}}, "axxb"), (Ids{1, 0, 2}));
  EXPECT_EQ(encode({{R"("unk_token": "?")", R"("unk_token": null)"}}, "axxb"), Ids{3});
}

TEST(TokenizerJson, BytesThatAreNoUtf8AreReplacementCharacters) {
  const Changes withReplacement = {{R"("ba": 4)", "\"ba\": 4, \"\xEF\xBF\xBD\": 5"}};
  EXPECT_EQ(encode(withReplacement, "a\xE2\x96z"), (Ids{1, 5, 5, 0}));
}

/// Every id on its own.
std::string streamed(const Tokenizer &tokenizer, const Ids &ids) {
  Detokenizer detokenizer(tokenizer, Detokenizer::Start::ofText);
  std::string text;
  for (int32_t id : ids)
    text += detokenizer.push(id);
  return text + detokenizer.flush();
}

// The whole of a run of bytes is judged when its text is known; a stream goes character by
// character.
TEST(TokenizerJson, BytesThatAreNoUtf8) {
  const auto compiled = compileTokenizerJson(
      changed({{R"("decoder": null)", R"("decoder": {"type": "ByteFallback"})"},
               {R"("ba": 4)",
                R"("ba": 4, "<0x84>": 5, "<0x22>": 6, "<0xC3>": 7, "<0xA9>": 8, "<0xE4>": 9)"}}),
      "t.json");
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  const std::string bad = "\xEF\xBF\xBD";
  struct {
    Ids ids;
    std::string decoded, streamed;
  } cases[] = {
      {{5, 6}, bad + bad, bad + '"'},
      {{1, 5, 6, 2}, "a" + bad + bad + "b", "a" + bad + "\"b"},
      {{7, 8, 5}, bad + bad + bad, "\xC3\xA9" + bad},
      {{9, 6}, bad + bad, bad + '"'},
      {{9, 1, 6}, bad + "a\"", bad + "a\""},
      {{7, 8, 6}, "\xC3\xA9\"", "\xC3\xA9\""}, // well formed: the same
      {{9}, bad, bad},
  };
  for (const auto &[ids, decoded, stream] : cases) {
    EXPECT_EQ(*tokenizer->decode(ids), decoded) << testing::PrintToString(ids);
    EXPECT_EQ(streamed(*tokenizer, ids), stream) << testing::PrintToString(ids);
  }
}

// Characters for bytes: what breaks off is one U+FFFD, as `tokenizers` has it, also in a stream.
TEST(TokenizerJson, CharactersThatAreBytes) {
  const auto compiled = compileTokenizerJson(
      changed(
          {{R"("decoder": null)", R"("decoder": {"type": "ByteLevel"})"},
           {R"("ba": 4)",
            R"("ba": 4, "\u0120a": 5, "\u00e4\u00b8": 6, "\u0143": 7, "\u00e4": 8, "a b": 9)"}}),
      "t.json");
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  const std::string bad = "\xEF\xBF\xBD";
  const std::pair<Ids, std::string> cases[] = {
      {{1, 5}, "a a"},
      {{6, 7}, "\xE4\xB8\xAD"},
      {{6, 1}, bad + "a"},
      {{6}, bad},
      {{6, 6, 7}, bad + "\xE4\xB8\xAD"},
      {{7, 7}, bad + bad},
      {{8, 7, 1}, bad + "a"},
      {{9, 1}, "a ba"}, // a space is no byte's character: the piece is its own bytes
  };
  for (const auto &[ids, text] : cases) {
    EXPECT_EQ(*tokenizer->decode(ids), text) << testing::PrintToString(ids);
    EXPECT_EQ(streamed(*tokenizer, ids), text) << testing::PrintToString(ids);
  }
}

// Rules that make a text longer, one after the other: 2^n bytes of one.
TEST(TokenizerJson, CharactersOfBytesThatBlowUp) {
  std::string rules = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})";
  for (int i = 0; i < 40; ++i)
    rules += R"(, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})";
  const auto compiled = compileTokenizerJson(
      changed({{R"("pre_tokenizer": null)",
                R"("pre_tokenizer": {"type": "Sequence", "pretokenizers": [)" + rules + "]}"}}),
      "t.json");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  EXPECT_EQ(tokenizer->encode("ab")->size(), 1u);
  EXPECT_EQ(tokenizer->encode("\xC3\xA9").status().message(),
            "text: the tokenizer's rules make it 8192 bytes, expected at most 4128");
}

TEST(TokenizerJson, Syntax) {
  EXPECT_EQ(errorOf(""), "t.json: not JSON: there is nothing but whitespace");
  EXPECT_EQ(errorOf("[]"), "t.json: expected an object, found a list");
  EXPECT_EQ(errorOf("{\"version\": \"1.0\"}"), "t.json: model: missing, expected an object");
  EXPECT_EQ(errorOf("\xEF\xBB\xBF{}"),
            "t.json: begins with a byte-order mark, expected UTF-8 without one");
  EXPECT_EQ(errorOf("{\"model\": " + std::string(100, '[') + std::string(100, ']') + "}"),
            "t.json: nested deeper than 64 levels");
  for (size_t size = 0; size + 1 < sizeof kSmall; size += 7)
    EXPECT_NE(errorOf(std::string(kSmall, size)), "") << size;
}

TEST(TokenizerJson, KeysThatAreNotKnown) {
  EXPECT_EQ(error({{R"("padding": null)", R"("padding": null, "magic": 1)"}}),
            "t.json: magic: not supported");
  EXPECT_EQ(error({{R"("dropout": null)", R"("alphabet": [])"}}),
            "t.json: model.alphabet: not supported");
  EXPECT_EQ(error({{R"("1.0")", R"("2.0")"}}), "t.json: version: expected 1.0, found 2.0");
  EXPECT_EQ(errorWith("truncation", "{}"), "") << "changes no text that is encoded alone";
  EXPECT_EQ(errorWith("padding", R"({"strategy": {"Fixed": 8}})"), "");
}

TEST(TokenizerJson, ModelsThatAreNotSupported) {
  EXPECT_EQ(error({{"BPE", "WordPiece"}}),
            "t.json: model.type: WordPiece is not supported, expected BPE");
  EXPECT_EQ(error({{R"("dropout": null)", R"("dropout": 0.1)"}}),
            "t.json: model.dropout: expected 0 or null, found 0.1; merges left out by chance are "
            "not supported");
  EXPECT_EQ(error({{nullOf("continuing_subword_prefix"), R"("continuing_subword_prefix": "##")"}}),
            "t.json: model.continuing_subword_prefix: \"##\" is not supported, expected none");
  EXPECT_EQ(error({{nullOf("end_of_word_suffix"), R"("end_of_word_suffix": "</w>")"}}),
            "t.json: model.end_of_word_suffix: \"</w>\" is not supported, expected none");
  EXPECT_EQ(error({{nullOf("end_of_word_suffix"), R"("end_of_word_suffix": "")"}}), "");
}

TEST(TokenizerJson, Vocabulary) {
  EXPECT_EQ(error({{R"("a": 1)", R"("a": -1)"}}),
            "t.json: model.vocab.a: expected an integer in [0, 1048575], found -1");
  EXPECT_EQ(error({{R"("a": 1)", R"("a": 4294967297)"}}),
            "t.json: model.vocab.a: expected an integer in [0, 1048575], found 4294967297");
  EXPECT_EQ(error({{R"("a": 1)", R"("a": "1")"}}),
            "t.json: model.vocab.a: expected an integer in [0, 1048575], found \"1\"");
  EXPECT_EQ(error({{R"("a": 1)", R"("a": 2)"}}),
            "t.json: model.vocab.b: id 2 is another piece's, too");
  EXPECT_EQ(error({{R"("a": 1)", R"("": 1)"}}),
            "t.json: model.vocab.\"\": expected 1 to 4096 bytes, found 0");
  EXPECT_EQ(error({{R"("a": 1)", R"("a": 1, "a": 2)"}}), // as in Python, the last counts
            "t.json: model.vocab.b: id 2 is another piece's, too");
  EXPECT_EQ(error({{R"("unk_token": "?")", R"("unk_token": "!")"}}),
            "t.json: model.unk_token: expected a piece of the vocabulary, found \"!\"");
  EXPECT_EQ(error({{R"({"?": 0, "a": 1, "b": 2, "ab": 3, "ba": 4})", "{}"},
                   {R"("unk_token": "?")", R"("unk_token": null)"},
                   {R"(["a b", "b a"])", "[]"}}),
            "t.json: expected at least one piece, found none");
  const std::string longest(4096, 'x'), longer(4097, 'x');
  EXPECT_EQ(error({{R"("a": 1)", R"("a": 1, ")" + longest + "\": 6"}}), "");
  EXPECT_NE(error({{R"("a": 1)", R"("a": 1, ")" + longer + "\": 6"}})
                .find("expected 1 to 4096 bytes, found 4097"),
            std::string::npos);
}

TEST(TokenizerJson, Merges) {
  EXPECT_EQ(error({{"\"a b\"", "\"ab\""}}),
            "t.json: model.merges[0]: expected two pieces with a space between them, found \"ab\"");
  EXPECT_EQ(error({{"\"a b\"", "\"a b a\""}}),
            "t.json: model.merges[0]: expected two pieces with a "
            "space between them, found \"a b a\"");
  EXPECT_EQ(error({{"\"a b\"", "\"a x\""}}),
            "t.json: model.merges[0]: expected pieces of the vocabulary, found \"x\"");
  EXPECT_EQ(error({{"\"b a\"", "\"b b\""}}),
            "t.json: model.merges[1]: expected pieces of the vocabulary, found \"bb\"");
  EXPECT_EQ(error({{R"(["a b", "b a"])", R"([["a", "b", "a"]])"}}),
            "t.json: model.merges[0]: expected two pieces, found 3");
  EXPECT_EQ(error({{"\"b a\"", R"(["b", "a"])"}}),
            "t.json: model.merges[1]: expected all merges to be lists or all to be strings, found "
            "a list");
  EXPECT_EQ(error({{"\"a b\"", "7"}}), "t.json: model.merges[0]: expected a string, found 7");
}

TEST(TokenizerJson, AddedTokens) {
  EXPECT_EQ(added("\"special\": true"), "");
  EXPECT_EQ(added("\"single_word\": 1"),
            "t.json: added_tokens[0].single_word: expected true or false, found 1");
  EXPECT_EQ(added("\"special\": 1"),
            "t.json: added_tokens[0].special: expected true or false, found 1");
  EXPECT_EQ(added("\"weight\": 1"), "t.json: added_tokens[0].weight: not supported");
  const auto tokens = [](const std::string &list) {
    return error({{"\"added_tokens\": []", "\"added_tokens\": [" + list + "]"}});
  };
  EXPECT_EQ(tokens(R"({"id": 7, "content": "<x>"})"),
            "t.json: added_tokens[0].id: expected 5, the next after the vocabulary, found 7");
  EXPECT_EQ(tokens(R"({"id": 2, "content": "a"})"),
            "t.json: added_tokens[0]: expected id 1 as in the vocabulary, found 2");
  EXPECT_EQ(tokens(R"({"id": 5, "content": ""})"),
            "t.json: added_tokens[0]: expected 1 to 4096 bytes, found 0");
  EXPECT_EQ(tokens(R"({"id": 1, "content": "a"}, {"id": 1, "content": "a"})"),
            "t.json: added_tokens[1]: stands more than once");
  EXPECT_EQ(tokens(R"({"id": 5, "content": ")" + std::string(257, 'x') + "\"}"),
            "t.json: added_tokens[0]: expected at most 256 bytes, found 257");
  EXPECT_EQ(error({{"\"added_tokens\": []", R"("added_tokens": [{"id": 5, "content": "< >"}])"},
                   {nullOf("normalizer"), R"("normalizer": {"type": "Replace", "pattern":
                    {"String": " "}, "content": "_"})"}}),
            "t.json: added_tokens[0]: normalized is not supported where the normalizer changes the "
            "token, here to \"<_>\"");
}

TEST(TokenizerJson, Normalizers) {
  EXPECT_EQ(errorWith("normalizer", R"({"type": "NFKD"})"),
            "t.json: normalizer.type: NFKD is not supported");
  EXPECT_EQ(
      errorWith("normalizer", R"({"type": "Sequence", "normalizers": [{"type": "StripAccents"}]})"),
      "t.json: normalizer.normalizers[0].type: StripAccents is not supported");
  EXPECT_EQ(
      errorWith("normalizer", R"({"type": "Replace", "pattern": {"Regex": " +"}, "content": ""})"),
      "t.json: normalizer.pattern.Regex: regular expressions are not supported");
  EXPECT_EQ(
      errorWith("normalizer", R"({"type": "Replace", "pattern": {"String": ""}, "content": ""})"),
      "t.json: normalizer.pattern.String: expected 1 to 64 bytes, found 0");
  EXPECT_EQ(errorWith("normalizer", R"({"type": "Prepend", "prepend": ""})"),
            "t.json: normalizer.prepend: expected 1 to 64 bytes, found 0");
  EXPECT_EQ(errorWith("normalizer", "{}"), "t.json: normalizer.type: missing, expected a string");
  std::string many = R"({"type": "Strip", "strip_left": true, "strip_right": true})";
  for (int i = 0; i < 64; ++i)
    many += R"(, {"type": "Strip", "strip_left": true, "strip_right": true})";
  EXPECT_EQ(errorWith("normalizer", R"({"type": "Sequence", "normalizers": [)" + many + "]}"),
            "t.json: normalizer.normalizers[64].type: expected at most 64 rules, found more");
}

TEST(TokenizerJson, PreTokenizers) {
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "BertPreTokenizer"})"),
            "t.json: pre_tokenizer.type: BertPreTokenizer is not supported");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})"),
            "t.json: pre_tokenizer.replacement: expected one character, found \"__\"");
  EXPECT_EQ(errorWith("pre_tokenizer",
                      R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})"),
            "t.json: pre_tokenizer.prepend_scheme: last is not supported");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Metaspace", "replacement": "_",
                                "prepend_scheme": "never", "add_prefix_space": true})"),
            "t.json: pre_tokenizer.add_prefix_space: expected what prepend_scheme says, found the "
            "contrary");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": true},
                {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first"}]})"),
            "t.json: pre_tokenizer.pretokenizers[1].prepend_scheme: first is not supported behind "
            "other rules");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Split", "pattern": {"String": " "},
                                           "behavior": "Sometimes", "invert": false})"),
            "t.json: pre_tokenizer.behavior: Sometimes is not supported");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Punctuation", "behavior": "Never"})"),
            "t.json: pre_tokenizer.behavior: Never is not supported");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Whitespace", "behavior": "Removed"})"),
            "t.json: pre_tokenizer.behavior: not supported");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "ByteLevel"})"),
            "t.json: pre_tokenizer.add_prefix_space: missing, expected true or false");
  EXPECT_EQ(errorWith("pre_tokenizer", R"({"type": "Digits"})"),
            "t.json: pre_tokenizer.individual_digits: missing, expected true or false");
}

TEST(TokenizerJson, Decoders) {
  EXPECT_EQ(errorWith("decoder", R"({"type": "WordPiece"})"),
            "t.json: decoder.type: WordPiece is not supported");
  const auto sequence = [](const std::string &decoders) {
    return errorWith("decoder", R"({"type": "Sequence", "decoders": [)" + decoders + "]}");
  };
  const std::string fuse = R"({"type": "Fuse"})", strip = R"({"type": "Strip", "content": " ", )";
  EXPECT_EQ(sequence(fuse + ", " + strip + "\"start\": 1, \"stop\": 0}"), "");
  EXPECT_EQ(sequence(strip + "\"start\": 1, \"stop\": 0}"),
            "t.json: decoder.decoders[0].type: Strip is not supported at this place");
  const std::string byteLevel = R"({"type": "ByteLevel"})";
  EXPECT_EQ(sequence(byteLevel), "");
  EXPECT_EQ(sequence(byteLevel + ", " + fuse),
            "t.json: decoder.decoders[1].type: Fuse is not supported at this place");
  EXPECT_EQ(sequence(fuse + ", " + byteLevel),
            "t.json: decoder.decoders[1].type: ByteLevel is not supported at this place");
  EXPECT_EQ(sequence(fuse + R"(, {"type": "ByteFallback"})"),
            "t.json: decoder.decoders[1].type: ByteFallback is not supported at this place");
  EXPECT_EQ(sequence(fuse + ", " + strip + "\"start\": 1, \"stop\": 1}"),
            "t.json: decoder.decoders[1].stop: expected an integer in [0, 0], found 1");
}

TEST(TokenizerJson, PostProcessors) {
  EXPECT_EQ(errorWith("post_processor", R"({"type": "BertProcessing"})"),
            "t.json: post_processor.type: BertProcessing is not supported");
  const std::string text = R"({"Sequence": {"id": "A", "type_id": 0}})",
                    token = R"({"SpecialToken": {"id": "s", "type_id": 0}})";
  const auto single = [](const std::string &parts, const std::string &ids) {
    return changed(
        {{nullOf("post_processor"),
          R"("post_processor": {"type": "TemplateProcessing", "pair": [], "single": [)" + parts +
              R"(], "special_tokens": {"s": {"id": "s", "ids": )" + ids + "}}}"}});
  };
  EXPECT_EQ(compileTokenizerJson(single(token + ", " + text, "[3, 1]"), "t.json")->prefix,
            (Ids{3, 1}));
  const auto behind = compileTokenizerJson(single(text + ", " + token, "[3]"), "t.json");
  EXPECT_EQ(behind->prefix, Ids());
  EXPECT_EQ(behind->notes, std::vector<std::string>{"t.json: post_processor: puts 3 behind every "
                                                    "text; left out, as it is to go on"});
  EXPECT_EQ(errorOf(single(text + ", " + text, "[3]")),
            "t.json: post_processor.single[1]: expected the text once, found it again");
  EXPECT_EQ(errorWith("post_processor", R"({"type": "ByteLevel", "trim_offsets": false})"), "");
  EXPECT_EQ(
      errorWith("post_processor", R"({"type": "Sequence", "processors": [{"type": "Roberta"}]})"),
      "t.json: post_processor.processors[0].type: Roberta is not supported");
  EXPECT_EQ(errorOf(single(token, "[3]")),
            "t.json: post_processor.single: expected a Sequence, found none");
  EXPECT_EQ(errorOf(single(token + ", " + text, "[-3]")),
            "t.json: post_processor.special_tokens.s.ids[0]: expected an integer in [0, 1048575], "
            "found -3");
}

/// As `tokenizers` has it (test/field/transformers.txt), a token that is a single word stays text
/// beside a part of one: letters of any script, digits, the underscore.
TEST(TokenizerJson, SingleWords) {
  const auto ids = [](const std::string &text) {
    return encode({{"\"added_tokens\": []",
                    R"("added_tokens": [{"id": 5, "content": "#", "single_word": true}])"}},
                  text);
  };
  const auto isFound = [&](const std::string &text) {
    const Ids found = ids(text);
    return std::find(found.begin(), found.end(), 5) != found.end();
  };
  for (const char *text : {"#", "# a", "a #", "(#)", "#.", "\xE2\x80\x94#", "##"})
    EXPECT_TRUE(isFound(text)) << text;
  for (const char *text : {"a#", "#a", "_#", "#7", "\xC3\xA9#", "#\xE4\xB8\xAD", "a#a"})
    EXPECT_FALSE(isFound(text)) << text;
}

// What is long takes a time and a memory that grow little faster than it does.
TEST(TokenizerJson, LongTexts) {
  const auto compiled = compileTokenizerJson(changed({}), "t.json");
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  std::string text;
  while (text.size() < 1 << 20)
    text += "ab";
  EXPECT_EQ(tokenizer->encode(text)->size(), size_t(1) << 19);
  EXPECT_EQ(tokenizer->encode(std::string((64 << 20) + 1, 'a')).status().message(),
            "text has 67108865 bytes, expected at most 67108864");
}

// A megabyte must not become a gigabyte, rule by rule.
TEST(TokenizerJson, NormalizersThatBlowUp) {
  const std::string rule = R"({"type": "Replace", "pattern": {"String": "a"}, "content": ")" +
                           std::string(60, 'a') + "\"}";
  const auto compiled = compileTokenizerJson(
      changed({{R"("normalizer": null)", R"("normalizer": {"type": "Sequence", "normalizers": [)" +
                                             rule + "," + rule + "]}"}}),
      "t.json");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  EXPECT_EQ(tokenizer->encode("a")->size(), 3600u);
  EXPECT_EQ(tokenizer->encode(std::string(1 << 20, 'a')).status().message(),
            "text: the tokenizer's rules make it 62914560 bytes, expected at most 16781312");
}

// A long word is cut where no merge joins, here between two a or two b: its ids are the same. The
// reference are merges by hand: every "ab" from the left, then every "ba".
TEST(TokenizerJson, LongWordsAreCut) {
  const auto compiled = compileTokenizerJson(changed({}), "t.json");
  const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "t");
  std::mt19937 random(5);
  std::string word;
  while (word.size() < 300000)
    word += random() % 8 ? (random() % 2 ? "ab" : "ba") : random() % 2 ? "?" : "c";
  Ids expected;
  for (size_t at = 0; at < word.size(); ++at) {
    const std::string_view next = std::string_view(word).substr(at, 2);
    const bool isPair = next == "ab" || (next == "ba" && word.substr(at + 1, 2) != "ab");
    expected.push_back(next == "ab" ? 3 : isPair ? 4 : next[0] == 'a' ? 1 : next[0] == 'b' ? 2 : 0);
    at += isPair;
  }
  EXPECT_EQ(*tokenizer->encode(word), expected);
  std::string joined; // "ab" everywhere: no place to cut
  while (joined.size() <= 4 << 20)
    joined += "ab";
  EXPECT_EQ(tokenizer->encode(joined).status().message(),
            "text has a word of 4194306 bytes, expected at most 4194304");
  EXPECT_EQ(tokenizer->encode(std::string(5 << 20, 'a'))->size(), size_t(5) << 20);
}

// Tables that something damaged, and something else gave a hash that fits, are refused or harmless.
class BpeTables : public testing::TestWithParam<const char *> {};

TEST_P(BpeTables, DamageIsHarmless) {
  const std::string file = absl::StrCat(STRATA_TOKENIZERS "/", GetParam(), ".json");
  const std::string tables =
      compileTokenizerJson(readFile(file, kMaxTokenizerBytes).value(), file)->tables;
  const auto use = [](const std::string &bytes) {
    const auto tokenizer = BpeTokenizer::load(std::as_bytes(std::span(bytes)), "t");
    if (!tokenizer.ok())
      return false;
    const auto ids =
        tokenizer->encode("the lord <tool> said [SEP] \xF0\x9F\x98\x80</tool> \xEF\xAC\x81 X7");
    EXPECT_TRUE(ids.ok() && tokenizer->decode(*ids).ok());
    return true;
  };
  EXPECT_TRUE(use(tables));
  std::mt19937 random(3);
  int loaded = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string damaged = tables;
    for (size_t changes = 1 + random() % 3; changes > 0; --changes)
      damaged[random() % (round % 2 ? damaged.size() : 600)] ^= char(1 << random() % 8);
    loaded += use(damaged);
    EXPECT_FALSE(use(tables.substr(0, random() % tables.size())));
  }
  EXPECT_GT(loaded, 10);
  EXPECT_LT(loaded, 900);
}

INSTANTIATE_TEST_SUITE_P(Shapes, BpeTables,
                         testing::Values("fallback", "bytes-of-words", "scripts"));
