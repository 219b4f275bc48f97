//===- JsonDocument.cpp - from bytes to values ----------------------------===//
#include "runtime/base/Json.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace strata {

//===----------------------------------------------------------------------===//
// Errors of syntax
//===----------------------------------------------------------------------===//

/// What is wrong with the encoding, or nothing. A byte-order mark or a NUL among the first two
/// bytes is no JSON in UTF-8, whatever follows.
static absl::string_view wrongEncoding(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF"))
    return "begins with a byte-order mark, expected UTF-8 without one";
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
      (text.size() > 1 && (text[0] == '\0' || text[1] == '\0')))
    return "is not UTF-8 but UTF-16 or UTF-32";
  return {};
}

/// Whether `token`, made of the characters of numbers, is a number. Those that are too large have
/// been replaced.
static bool isNumber(std::string_view token) {
  const size_t digits = token.starts_with('-') ? 1 : 0;
  if (token.size() > digits + 1 && token[digits] == '0' && std::isdigit(token[digits + 1]))
    return false; // 007
  double value;
  const char *end = token.data() + token.size();
  return std::from_chars(token.data(), end, value).ptr == end;
}

/// One past the end of the string that begins at `text[at]`, a quote.
static size_t endOfString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    at += text[at] == '\\';
  return std::min(at + 1, text.size());
}

/// simdjson says that some number is malformed, but not which: looks for the first
/// such one and the key before it.
static std::string describeBadNumber(std::string_view text) {
  constexpr std::string_view kNumber = "+-.0123456789eE";
  std::string_view key;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      const size_t end = endOfString(text, at);
      const size_t next = text.find_first_not_of(" \t\r\n", end);
      if (next != std::string_view::npos && text[next] == ':')
        key = text.substr(at + 1, end - at - 2);
      at = end;
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      const size_t end = std::min(text.find_first_not_of(kNumber, at), text.size());
      const std::string_view token = text.substr(at, end - at);
      if (!isNumber(token))
        return absl::StrCat(key.empty() ? "a number" : std::string(key),
                            ": expected a well-formed number, found ",
                            std::string(token.substr(0, 80)));
      at = end;
    } else {
      ++at;
    }
  }
  return "not JSON: a number is malformed";
}

static std::string describe(simdjson::error_code code, std::string_view text) {
  switch (code) {
  case simdjson::EMPTY:
    return "not JSON: there is nothing but whitespace";
  case simdjson::UTF8_ERROR:
    return "not UTF-8";
  case simdjson::DEPTH_ERROR:
    return absl::StrCat("nested deeper than ", kMaxJsonDepth, " levels");
  case simdjson::NUMBER_ERROR:
    return describeBadNumber(text);
  case simdjson::MEMALLOC:
  case simdjson::CAPACITY:
    return absl::StrCat("no memory to parse ", text.size(), " bytes");
  case simdjson::STRING_ERROR:
  case simdjson::UNCLOSED_STRING:
  case simdjson::UNESCAPED_CHARS:
    return "not JSON: a string is malformed or does not end";
  default:
    return "not JSON: a bracket, comma or value is missing, misplaced or misspelt";
  }
}

//===----------------------------------------------------------------------===//
// Duplicate keys
//===----------------------------------------------------------------------===//

constexpr size_t kMostDuplicates = 8; // that are told of

/// The keys that stand more than once in an object in `element`, which is at `place`, with the way
/// to them. Recurses no deeper than kMaxJsonDepth, which the parser has checked.
static void findDuplicates(simdjson::dom::element element, const std::string &place,
                           std::vector<std::string> &found) {
  if (simdjson::dom::array array; element.get(array) == simdjson::SUCCESS) {
    size_t index = 0;
    for (simdjson::dom::element item : array)
      if (item.is_array() || item.is_object())
        findDuplicates(item, absl::StrCat(place, "[", index++, "]"), found);
      else
        ++index;
  }
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS)
    return;
  const std::string before = place.empty() ? "" : place + ".";
  std::vector<std::string_view> keys;
  for (const simdjson::dom::key_value_pair member : object) {
    if (member.value.is_array() || member.value.is_object())
      findDuplicates(member.value, before + printable(member.key), found);
    keys.push_back(member.key);
  }
  std::sort(keys.begin(), keys.end());
  for (size_t i = 1; i < keys.size() && found.size() < kMostDuplicates; ++i)
    if (keys[i] == keys[i - 1] && (i == 1 || keys[i] != keys[i - 2]))
      found.push_back(before + printable(keys[i]));
}

//===----------------------------------------------------------------------===//
// Documents
//===----------------------------------------------------------------------===//

absl::StatusOr<JsonDocument> JsonDocument::parseFile(const std::string &path, uint64_t maxBytes,
                                                     Notes *notes) {
  STRATA_ASSIGN(const std::string text, readFile(path, maxBytes));
  return parse(text, path, notes);
}

absl::StatusOr<JsonDocument> JsonDocument::parse(std::string_view text, std::string file,
                                                 Notes *notes) {
  auto parsed = std::make_unique<Parsed>();
  JsonSource &source = parsed->source;
  source.file = std::move(file);
  const auto fail = [&](absl::string_view message) {
    return absl::InvalidArgumentError(absl::StrCat(source.file, ": ", message));
  };
  if (const absl::string_view wrong = wrongEncoding(text); !wrong.empty())
    return fail(wrong);
  const std::optional<std::string> replaced = source.numbers.replaceIn(text);
  if (replaced)
    text = *replaced;
  simdjson::error_code code = parsed->parser.allocate(text.size(), kMaxJsonDepth);
  if (code == simdjson::SUCCESS)
    code = parsed->parser.parse(text.data(), text.size()).get(parsed->root);
  if (code != simdjson::SUCCESS)
    return fail(describe(code, text));
  std::vector<std::string> duplicates;
  findDuplicates(parsed->root, "", duplicates);
  if (!notes && !duplicates.empty())
    return fail(absl::StrCat(duplicates[0], ": key stands more than once in its object"));
  source.hasDuplicates = !duplicates.empty();
  for (const std::string &place : duplicates)
    notes->push_back(absl::StrCat(source.file, ": ", place,
                                  ": key stands more than once in its object; the last counts"));
  return JsonDocument(std::move(parsed));
}

JsonValue JsonDocument::root() const { return JsonValue(parsed->root, &parsed->source, ""); }

} // namespace strata
