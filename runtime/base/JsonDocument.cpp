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

template <typename T>
static bool fits(std::string_view token) {
  T value;
  const char *end = token.data() + token.size();
  const auto result = std::from_chars(token.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

/// Whether `token`, made of the characters of numbers, is a number that we can represent.
static bool isRepresentable(std::string_view token) {
  const size_t digits = token.starts_with('-') ? 1 : 0;
  if (token.size() > digits + 1 && token[digits] == '0' && std::isdigit(token[digits + 1]))
    return false; // 007
  if (token.find_first_of(".eE") != std::string_view::npos)
    return fits<double>(token);
  return fits<int64_t>(token) || fits<uint64_t>(token);
}

/// One past the end of the string that begins at `text[at]`, a quote.
static size_t endOfString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    at += text[at] == '\\';
  return std::min(at + 1, text.size());
}

/// simdjson says that some number is malformed or does not fit, but not which: looks for the first
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
      if (!isRepresentable(token))
        return absl::StrCat(key.empty() ? "a number" : std::string(key),
                            ": expected a well-formed number of at most 64 bits, found ",
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

/// Whether `element` is or holds an object that has a key twice; the key goes to `*place`, with the
/// way to it. Recurses no deeper than kMaxJsonDepth, which the parser has checked.
static bool findDuplicate(simdjson::dom::element element, std::string *place) {
  const auto prefixPlace = [&](std::string step) {
    *place = absl::StrCat(step, place->starts_with('[') ? "" : ".", *place);
    return true;
  };
  if (simdjson::dom::array array; element.get(array) == simdjson::SUCCESS) {
    size_t index = 0;
    for (simdjson::dom::element item : array) {
      if (findDuplicate(item, place))
        return prefixPlace(absl::StrCat("[", index, "]"));
      ++index;
    }
  }
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS)
    return false;
  std::vector<std::string_view> keys;
  for (const simdjson::dom::key_value_pair member : object) {
    if (findDuplicate(member.value, place))
      return prefixPlace(printable(member.key));
    keys.push_back(member.key);
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end())
    return false;
  *place = printable(*twice);
  return true;
}

//===----------------------------------------------------------------------===//
// Documents
//===----------------------------------------------------------------------===//

absl::StatusOr<JsonDocument> JsonDocument::parseFile(const std::string &path, uint64_t maxBytes) {
  STRATA_ASSIGN(const std::string text, readFile(path, maxBytes));
  return parse(text, path);
}

absl::StatusOr<JsonDocument> JsonDocument::parse(std::string_view text, std::string file) {
  auto parsed = std::make_unique<Parsed>();
  parsed->file = std::move(file);
  const auto fail = [&](absl::string_view message) {
    return absl::InvalidArgumentError(absl::StrCat(parsed->file, ": ", message));
  };
  if (const absl::string_view wrong = wrongEncoding(text); !wrong.empty())
    return fail(wrong);
  simdjson::error_code code = parsed->parser.allocate(text.size(), kMaxJsonDepth);
  if (code == simdjson::SUCCESS)
    code = parsed->parser.parse(text.data(), text.size()).get(parsed->root);
  if (code != simdjson::SUCCESS)
    return fail(describe(code, text));
  if (std::string place; findDuplicate(parsed->root, &place))
    return fail(absl::StrCat(place, ": key stands more than once in its object"));
  return JsonDocument(std::move(parsed));
}

JsonValue JsonDocument::root() const { return JsonValue(parsed->root, &parsed->file, ""); }

} // namespace strata
