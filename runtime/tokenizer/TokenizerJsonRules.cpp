//===- TokenizerJsonRules.cpp - what is around the model ------------------===//
//
// Only what is known to be the same as in `tokenizers` is taken. Where the order of two rules would
// need more than the tables can say, it is refused.
//
//===----------------------------------------------------------------------===//
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeBuilder.h"
#include "runtime/tokenizer/BpeVerify.h"
#include "runtime/tokenizer/TokenizerJson.h"

#include "absl/strings/str_join.h"

#include <utility>

namespace strata {
namespace {

absl::Status unsupported(const JsonObject &object, std::string_view key, std::string_view value) {
  return object.error(key, absl::StrCat(printable(value), " is not supported"));
}

/// Calls `read` with every rule of the list `key`.
template <typename Read>
absl::Status readList(const JsonObject &object, std::string_view key, Read read) {
  STRATA_TRY(requireKnownKeys(object, {"type", key}));
  STRATA_ASSIGN(const std::vector<JsonValue> values, object.array(key));
  for (const JsonValue &value : values) {
    STRATA_ASSIGN(const JsonObject rule, value.object());
    STRATA_TRY(read(rule));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> readText(const JsonObject &object, std::string_view key, size_t min) {
  STRATA_ASSIGN(const std::string_view text, object.string(key));
  if (text.size() < min || text.size() > kMaxBpeRuleBytes)
    return object.error(key, absl::StrCat("expected ", min, " to ", kMaxBpeRuleBytes,
                                          " bytes, found ", text.size()));
  return std::string(text);
}

absl::StatusOr<std::string> readCharacter(const JsonObject &object, std::string_view key) {
  STRATA_ASSIGN(const std::string_view text, object.string(key));
  if (text.empty() || characterBytes(text[0]) != text.size())
    return object.error(key, absl::StrCat("expected one character, found ", quote(text)));
  return std::string(text);
}

/// {"String": "a"}.
absl::StatusOr<std::string> readPattern(const JsonObject &object) {
  STRATA_ASSIGN(const JsonObject pattern, object.object("pattern"));
  if (const auto regex = pattern.find("Regex"))
    return regex->error("regular expressions are not supported");
  return readText(pattern, "String", 1);
}

/// One of `names`, as its index.
absl::StatusOr<size_t> readName(const JsonObject &object, std::string_view key,
                                std::string_view name, std::span<const std::string_view> names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (name == names[i])
      return i;
  return unsupported(object, key, name);
}

absl::Status checkRoom(const JsonObject &object, size_t rules) {
  return rules < kMaxBpeRules ? absl::OkStatus()
                              : object.error("type", absl::StrCat("expected at most ", kMaxBpeRules,
                                                                  " rules, found more"));
}

//===----------------------------------------------------------------------===//
// Normalizer
//===----------------------------------------------------------------------===//

absl::Status readNormalizer(const JsonObject &object, bpe::TablesT &tables) {
  STRATA_ASSIGN(const std::string_view type, object.string("type"));
  if (type == "Sequence")
    return readList(object, "normalizers",
                    [&](const JsonObject &rule) { return readNormalizer(rule, tables); });
  STRATA_TRY(checkRoom(object, tables.normalizers.size()));
  auto rule = std::make_unique<bpe::NormalizerT>();
  if (type == "Prepend") {
    STRATA_TRY(requireKnownKeys(object, {"type", "prepend"}));
    rule->kind = bpe::NormalizerKind::prepend;
    STRATA_ASSIGN(rule->content, readText(object, "prepend", 1));
  } else if (type == "Replace") {
    STRATA_TRY(requireKnownKeys(object, {"type", "pattern", "content"}));
    rule->kind = bpe::NormalizerKind::replace;
    STRATA_ASSIGN(rule->pattern, readPattern(object));
    STRATA_ASSIGN(rule->content, readText(object, "content", 0));
  } else if (type == "Strip") {
    STRATA_TRY(requireKnownKeys(object, {"type", "strip_left", "strip_right"}));
    rule->kind = bpe::NormalizerKind::strip;
    STRATA_ASSIGN(rule->left, object.boolean("strip_left"));
    STRATA_ASSIGN(rule->right, object.boolean("strip_right"));
  } else if (type == "NFC" || type == "NFKC" || type == "Lowercase") {
    STRATA_TRY(requireKnownKeys(object, {"type"}));
    rule->kind = type == "NFC"    ? bpe::NormalizerKind::nfc
                 : type == "NFKC" ? bpe::NormalizerKind::nfkc
                                  : bpe::NormalizerKind::lowercase;
  } else {
    return unsupported(object, "type", type);
  }
  tables.normalizers.push_back(std::move(rule));
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Pre-tokenizer
//===----------------------------------------------------------------------===//

/// "first" is the default of older files' add_prefix_space, "never" that of its absence.
absl::Status readPrependScheme(const JsonObject &object, bpe::Prepend &prepend) {
  constexpr std::string_view kSchemes[] = {"never", "first", "always"};
  STRATA_ASSIGN(const auto scheme, object.optionalString("prepend_scheme"));
  STRATA_ASSIGN(const auto addsSpace, object.optionalBoolean("add_prefix_space"));
  const std::string_view name = scheme.value_or(addsSpace.value_or(true) ? "always" : "never");
  STRATA_ASSIGN(const size_t index, readName(object, "prepend_scheme", name, kSchemes));
  prepend = static_cast<bpe::Prepend>(index);
  if (addsSpace && *addsSpace == (prepend == bpe::Prepend::never))
    return object.error("add_prefix_space",
                        "expected what prepend_scheme says, found the contrary");
  return absl::OkStatus();
}

/// "first" depends on how `tokenizers` maps what other rules change to the original text.
absl::Status readMetaspace(const JsonObject &object, bool isFirstRule, bpe::SplitT &rule) {
  STRATA_TRY(requireKnownKeys(
      object, {"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  rule.kind = bpe::SplitKind::metaspace;
  rule.matches = bpe::Matches::with_next;
  STRATA_ASSIGN(rule.pattern, readCharacter(object, "replacement"));
  STRATA_TRY(readPrependScheme(object, rule.prepend));
  STRATA_ASSIGN(const auto split, object.optionalBoolean("split"));
  rule.whole = !split.value_or(true);
  if (rule.prepend == bpe::Prepend::first && !isFirstRule)
    return object.error("prepend_scheme", "first is not supported behind other rules");
  return absl::OkStatus();
}

absl::Status readBehavior(const JsonObject &object, bpe::SplitT &rule) {
  constexpr std::string_view kBehaviors[] = {"Removed", "Isolated", "Contiguous",
                                             "MergedWithPrevious", "MergedWithNext"};
  STRATA_ASSIGN(const std::string_view behavior, object.string("behavior"));
  STRATA_ASSIGN(const size_t index, readName(object, "behavior", behavior, kBehaviors));
  rule.matches = static_cast<bpe::Matches>(index);
  return absl::OkStatus();
}

absl::Status readSplit(const JsonObject &object, bpe::SplitT &rule) {
  STRATA_TRY(requireKnownKeys(object, {"type", "pattern", "behavior", "invert"}));
  rule.kind = bpe::SplitKind::text;
  STRATA_ASSIGN(rule.pattern, readPattern(object));
  STRATA_TRY(readBehavior(object, rule));
  STRATA_ASSIGN(rule.invert, object.boolean("invert"));
  return absl::OkStatus();
}

absl::Status readDigits(const JsonObject &object, bpe::SplitT &rule) {
  STRATA_TRY(requireKnownKeys(object, {"type", "individual_digits"}));
  STRATA_ASSIGN(const bool individual, object.boolean("individual_digits"));
  rule.kind = bpe::SplitKind::numbers;
  rule.matches = individual ? bpe::Matches::isolated : bpe::Matches::contiguous;
  return absl::OkStatus();
}

absl::Status readPunctuation(const JsonObject &object, bpe::SplitT &rule) {
  STRATA_TRY(requireKnownKeys(object, {"type", "behavior"}));
  rule.kind = bpe::SplitKind::punctuation;
  rule.matches = bpe::Matches::isolated;
  return object.find("behavior") ? readBehavior(object, rule) : absl::OkStatus();
}

/// `trim_offsets` changes where tokens say that they lie in the text, nothing else.
absl::Status readByteLevel(const JsonObject &object, bpe::SplitT &rule) {
  STRATA_TRY(requireKnownKeys(object, {"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  STRATA_ASSIGN(const bool addsSpace, object.boolean("add_prefix_space"));
  STRATA_ASSIGN(const auto splits, object.optionalBoolean("use_regex"));
  rule.kind = bpe::SplitKind::byte_level;
  rule.matches = bpe::Matches::isolated;
  rule.prepend = addsSpace ? bpe::Prepend::always : bpe::Prepend::never;
  rule.whole = !splits.value_or(true);
  return absl::OkStatus();
}

/// Rules that leave out what they split at, and have no options.
absl::Status readBare(const JsonObject &object, bpe::SplitKind kind, bpe::SplitT &rule) {
  rule.kind = kind;
  rule.matches = bpe::Matches::removed;
  return requireKnownKeys(object, {"type"});
}

absl::Status readPreTokenizer(const JsonObject &object, bpe::TablesT &tables) {
  STRATA_ASSIGN(const std::string_view type, object.string("type"));
  if (type == "Sequence")
    return readList(object, "pretokenizers",
                    [&](const JsonObject &rule) { return readPreTokenizer(rule, tables); });
  STRATA_TRY(checkRoom(object, tables.splits.size()));
  auto rule = std::make_unique<bpe::SplitT>();
  if (type == "Metaspace")
    STRATA_TRY(readMetaspace(object, tables.splits.empty() && tables.normalizers.empty(), *rule));
  else if (type == "Split")
    STRATA_TRY(readSplit(object, *rule));
  else if (type == "Digits")
    STRATA_TRY(readDigits(object, *rule));
  else if (type == "Punctuation")
    STRATA_TRY(readPunctuation(object, *rule));
  else if (type == "Whitespace")
    STRATA_TRY(readBare(object, bpe::SplitKind::words, *rule));
  else if (type == "WhitespaceSplit")
    STRATA_TRY(readBare(object, bpe::SplitKind::spaces, *rule));
  else if (type == "UnicodeScripts")
    STRATA_TRY(readBare(object, bpe::SplitKind::scripts, *rule));
  else if (type == "ByteLevel")
    STRATA_TRY(readByteLevel(object, *rule));
  else
    return unsupported(object, "type", type);
  tables.splits.push_back(std::move(rule));
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Decoder
//===----------------------------------------------------------------------===//

/// Reads a chain of decoders, whose order must be that of the table's fields: Metaspace, Replace,
/// ByteFallback, Fuse, Strip; or ByteLevel alone.
class DecoderReader {
public:
  explicit DecoderReader(bpe::DecoderT &decoder) : decoder(decoder) {}

  absl::Status read(const JsonObject &object) {
    STRATA_ASSIGN(const std::string_view type, object.string("type"));
    if (type == "Sequence")
      return readList(object, "decoders", [this](const JsonObject &rule) { return read(rule); });
    if (type == "ByteLevel")
      return advance(object, type, byteLevel, [&] {
        decoder.byte_level = true;
        return requireKnownKeys(object, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
      });
    if (type == "Metaspace")
      return advance(object, type, metaspace, [&] { return readMetaspace(object); });
    if (type == "Replace")
      return advance(object, type, replace, [&] { return readReplace(object); });
    if (type == "ByteFallback")
      return advance(object, type, bytes, [&] {
        decoder.bytes = true;
        return requireKnownKeys(object, {"type"});
      });
    if (type == "Fuse")
      return advance(object, type, fuse, [&] { return requireKnownKeys(object, {"type"}); });
    if (type == "Strip")
      return advance(object, type, strip, [&] { return readStrip(object); });
    return unsupported(object, "type", type);
  }

private:
  enum Step { start, metaspace, replace, bytes, fuse, strip, byteLevel };

  template <typename Read>
  absl::Status advance(const JsonObject &object, std::string_view type, Step next, Read read) {
    const bool inOrder = next > step || (next == step && next == replace);
    if (!inOrder || (next == strip && step != fuse) || (next == byteLevel && step != start))
      return object.error("type", absl::StrCat(printable(type), " is not supported at this place"));
    step = next;
    return read();
  }

  absl::Status readMetaspace(const JsonObject &object) {
    bpe::Prepend prepend;
    STRATA_TRY(requireKnownKeys(
        object, {"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
    STRATA_ASSIGN(decoder.metaspace, readCharacter(object, "replacement"));
    STRATA_TRY(readPrependScheme(object, prepend));
    decoder.drop_first = prepend != bpe::Prepend::never;
    return absl::OkStatus();
  }

  absl::Status readReplace(const JsonObject &object) {
    STRATA_TRY(requireKnownKeys(object, {"type", "pattern", "content"}));
    STRATA_TRY(checkRoom(object, decoder.replacements.size()));
    auto rule = std::make_unique<bpe::ReplacementT>();
    STRATA_ASSIGN(rule->pattern, readPattern(object));
    STRATA_ASSIGN(rule->content, readText(object, "content", 0));
    decoder.replacements.push_back(std::move(rule));
    return absl::OkStatus();
  }

  absl::Status readStrip(const JsonObject &object) {
    STRATA_TRY(requireKnownKeys(object, {"type", "content", "start", "stop"}));
    STRATA_ASSIGN(decoder.strip, readCharacter(object, "content"));
    STRATA_ASSIGN(const int64_t count, object.integer("start", {0, 1 << 20}));
    STRATA_TRY(object.integer("stop", {0, 0}).status());
    decoder.strip_count = uint32_t(count);
    return absl::OkStatus();
  }

  bpe::DecoderT &decoder;
  Step step = start;
};

//===----------------------------------------------------------------------===//
// Post-processor
//===----------------------------------------------------------------------===//

/// What a post-processor puts around a text.
struct PrefixedText {
  std::vector<int32_t> prefix, suffix; // ids
};

/// The ids of a special token of a template.
absl::Status readTemplateToken(const JsonObject &processor, const JsonObject &token,
                               std::vector<int32_t> &prefix) {
  STRATA_ASSIGN(const std::string_view name, token.string("id"));
  STRATA_ASSIGN(const JsonObject tokens, processor.object("special_tokens"));
  STRATA_ASSIGN(const JsonObject entry, tokens.object(name));
  STRATA_ASSIGN(const auto ids, entry.integers("ids", {0, kMaxBpePieces - 1}));
  prefix.insert(prefix.end(), ids.begin(), ids.end());
  return absl::OkStatus();
}

/// Tokens, the text, tokens again.
absl::Status readTemplate(const JsonObject &processor, PrefixedText &text) {
  STRATA_TRY(requireKnownKeys(processor, {"type", "single", "pair", "special_tokens"}));
  STRATA_ASSIGN(const std::vector<JsonValue> parts, processor.array("single"));
  bool hasText = false;
  for (const JsonValue &part : parts) {
    STRATA_ASSIGN(const JsonObject object, part.object());
    if (object.find("Sequence")) {
      if (std::exchange(hasText, true))
        return part.error("expected the text once, found it again");
      continue;
    }
    STRATA_ASSIGN(const JsonObject token, object.object("SpecialToken"));
    STRATA_TRY(readTemplateToken(processor, token, hasText ? text.suffix : text.prefix));
  }
  return hasText ? absl::OkStatus() : processor.error("single", "expected a Sequence, found none");
}

/// ByteLevel changes where tokens say that they lie in the text, nothing else.
absl::Status readPostProcessor(const JsonObject &object, PrefixedText &text) {
  STRATA_ASSIGN(const std::string_view type, object.string("type"));
  if (type == "Sequence")
    return readList(object, "processors",
                    [&](const JsonObject &rule) { return readPostProcessor(rule, text); });
  if (type == "ByteLevel")
    return absl::OkStatus();
  if (type != "TemplateProcessing")
    return unsupported(object, "type", type);
  return readTemplate(object, text);
}

} // namespace

absl::Status readTokenizerRules(const JsonObject &json, BpeBuilder &builder) {
  STRATA_ASSIGN(const auto normalizer, json.optionalObject("normalizer"));
  if (normalizer)
    STRATA_TRY(readNormalizer(*normalizer, builder.tables));
  STRATA_ASSIGN(const auto preTokenizer, json.optionalObject("pre_tokenizer"));
  if (preTokenizer)
    STRATA_TRY(readPreTokenizer(*preTokenizer, builder.tables));
  builder.tables.decoder = std::make_unique<bpe::DecoderT>();
  STRATA_ASSIGN(const auto decoder, json.optionalObject("decoder"));
  if (decoder)
    STRATA_TRY(DecoderReader(*builder.tables.decoder).read(*decoder));
  else
    builder.tables.decoder->separator.push_back(' ');
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> readTokenizerPrefix(const JsonObject &json,
                                                         std::vector<std::string> &notes) {
  STRATA_ASSIGN(const auto processor, json.optionalObject("post_processor"));
  PrefixedText text;
  if (processor)
    STRATA_TRY(readPostProcessor(*processor, text));
  if (!text.suffix.empty())
    notes.emplace_back(json.error("post_processor",
                                  absl::StrCat("puts ", absl::StrJoin(text.suffix, ", "),
                                               " behind every text; left out, as it is to go on"))
                           .message());
  return text.prefix;
}

} // namespace strata
