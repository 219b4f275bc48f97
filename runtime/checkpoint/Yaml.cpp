//===- Yaml.cpp - the scalars of a YAML mapping ---------------------------===//
#include "runtime/checkpoint/Yaml.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include <cmath>
#include <vector>

namespace strata {

namespace {
constexpr size_t kMaxBytes = size_t(1) << 20;
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxPathBytes = 1024;

/// A line that is not blank.
struct Line {
  size_t number; // from 1
  size_t indent; // blanks before the text
  std::string_view text;
};

std::string_view stripped(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \r") + 1 - begin);
}

bool isItem(const Line &line) { return line.text == "-" || line.text.starts_with("- "); }
} // namespace

/// Reads one document. Whatever is indented deeper than a key belongs to its value.
class YamlParser {
public:
  explicit YamlParser(std::string place) { mapping.place = std::move(place); }

  absl::StatusOr<YamlMapping> parse(std::string_view text);

private:
  struct Open {
    size_t indent;    // of the keys
    std::string path; // of the mapping, with a dot behind it
  };
  using Value = YamlMapping::Value;

  absl::Status error(const Line &line, std::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(mapping.place, ": line ", line.number, ": ", std::string(message)));
  }
  absl::Status splitLines(std::string_view text);
  absl::Status parseKey();
  absl::StatusOr<Value> parseValue(const Line &line, std::string_view text, size_t indent);
  absl::StatusOr<size_t> findColon(const Line &line) const;
  void skipItems(size_t indent);

  YamlMapping mapping;
  std::vector<Line> lines;
  std::vector<Open> open;
  size_t next = 0; // line
};

absl::Status YamlParser::splitLines(std::string_view text) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Line line{++number, std::min(whole.find_first_not_of(' '), whole.size()), stripped(whole)};
    if (line.text.empty() || line.text.starts_with('#'))
      continue;
    if (line.text.starts_with('\t') || line.text.find('\0') != std::string_view::npos)
      return error(line, "expected text indented by blanks, found a tab or a NUL");
    if (line.indent == 0 && (line.text == "---" || line.text == "...")) {
      if (line.text == "---" && lines.empty())
        continue;
      return error(line, "expected one document, found the end of it");
    }
    lines.push_back(line);
  }
  return absl::OkStatus();
}

/// Of the ':' behind a key; keys may be quoted.
absl::StatusOr<size_t> YamlParser::findColon(const Line &line) const {
  size_t from = 0;
  if (line.text[0] == '"' || line.text[0] == '\'')
    from = std::min(line.text.find(line.text[0], 1), line.text.size());
  for (size_t colon = line.text.find(':', from); colon != std::string_view::npos;
       colon = line.text.find(':', colon + 1))
    if (colon + 1 == line.text.size() || line.text[colon + 1] == ' ')
      return colon;
  return error(line, "expected KEY: VALUE, found other text");
}

/// `text` and the lines that go on with it, which are indented deeper than `indent`.
absl::StatusOr<YamlMapping::Value> YamlParser::parseValue(const Line &line, std::string_view text,
                                                          size_t indent) {
  std::string whole(text);
  for (; next < lines.size() && lines[next].indent > indent; ++next)
    absl::StrAppend(&whole, " ", std::string(lines[next].text));
  if (whole[0] == '"' || whole[0] == '\'') {
    const size_t end = whole.find(whole[0], 1);
    if (end == std::string::npos)
      return error(line, "expected a closing quote, found none");
    const std::string_view rest = stripped(std::string_view(whole).substr(end + 1));
    // Escapes are in no setting that is read here.
    const bool simple = (rest.empty() || rest[0] == '#') && whole.find('\\') > end;
    return Value{simple ? Value::Kind::quoted : Value::Kind::other, whole.substr(1, end - 1)};
  }
  constexpr std::string_view kOther = "[{&*!|>%@`";
  if (kOther.find(whole[0]) != std::string_view::npos)
    return Value{Value::Kind::other, ""};
  const std::string_view plain = stripped(std::string_view(whole).substr(0, whole.find(" #")));
  return Value{Value::Kind::plain, std::string(plain)};
}

/// The items of a list under a key: its dashes may stand as far left as the key.
void YamlParser::skipItems(size_t indent) {
  while (next < lines.size() &&
         (lines[next].indent > indent || (lines[next].indent == indent && isItem(lines[next]))))
    ++next;
}

absl::Status YamlParser::parseKey() {
  const Line line = lines[next++];
  while (open.size() > 1 && line.indent < open.back().indent)
    open.pop_back();
  if (line.indent != open.back().indent || isItem(line))
    return error(line, "expected a key of the mapping above, found another indentation or a list");
  STRATA_ASSIGN(const size_t colon, findColon(line));
  std::string key(stripped(line.text.substr(0, colon)));
  if (key.size() >= 2 && (key[0] == '"' || key[0] == '\'') && key.back() == key[0])
    key = key.substr(1, key.size() - 2);
  if (key == "<<" || key.empty() || open.back().path.size() + key.size() > kMaxPathBytes)
    return error(line, "expected a key of reasonable length, found none or a merge");
  const std::string path = open.back().path + key;

  Value value{Value::Kind::plain, ""};
  const std::string_view text = stripped(line.text.substr(colon + 1));
  const bool empty = text.empty() || text[0] == '#';
  const bool hasMore = next < lines.size() && lines[next].indent > line.indent;
  if (!empty) {
    STRATA_ASSIGN(value, parseValue(line, text, line.indent));
  } else if (hasMore && !isItem(lines[next])) {
    value.kind = Value::Kind::other;
    if (open.size() == kMaxDepth)
      return error(line, absl::StrCat("expected at most ", kMaxDepth, " levels, found more"));
    open.push_back({lines[next].indent, path + "."});
  } else if (next < lines.size() && isItem(lines[next]) && lines[next].indent >= line.indent) {
    value.kind = Value::Kind::other;
    skipItems(line.indent);
  }
  if (!mapping.values.try_emplace(path, std::move(value)).second)
    return error(line, absl::StrCat(printable(path), ": key stands more than once in its mapping"));
  return absl::OkStatus();
}

absl::StatusOr<YamlMapping> YamlParser::parse(std::string_view text) {
  if (text.size() > kMaxBytes)
    return absl::InvalidArgumentError(absl::StrCat(mapping.place, ": expected at most ", kMaxBytes,
                                                   " bytes, found ", text.size()));
  STRATA_TRY(splitLines(text));
  open.push_back({lines.empty() ? 0 : lines[0].indent, ""});
  while (next < lines.size())
    STRATA_TRY(parseKey());
  return std::move(mapping);
}

absl::StatusOr<YamlMapping> YamlMapping::parse(std::string_view text, std::string place) {
  return YamlParser(std::move(place)).parse(text);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

absl::Status YamlMapping::error(std::string_view path, std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": ", printable(path), ": ", std::string(message)));
}

absl::StatusOr<const YamlMapping::Value *> YamlMapping::find(std::string_view path,
                                                             std::string_view expected) const {
  const auto found = values.find(path);
  if (found == values.end())
    return nullptr;
  const Value &value = found->second;
  if (value.kind == Value::Kind::other)
    return error(path, absl::StrCat("expected ", std::string(expected), ", found no simple value"));
  const bool null = value.text.empty() || value.text == "null" || value.text == "~";
  return value.kind == Value::Kind::plain && null ? nullptr : &value;
}

absl::StatusOr<std::optional<int64_t>> YamlMapping::integer(std::string_view path) const {
  STRATA_ASSIGN(const Value *value, find(path, "an integer"));
  int64_t number = 0;
  if (!value)
    return std::nullopt;
  if (value->kind != Value::Kind::plain || !absl::SimpleAtoi(value->text, &number))
    return error(path, absl::StrCat("expected an integer, found ", printable(value->text)));
  return number;
}

absl::StatusOr<std::optional<double>> YamlMapping::number(std::string_view path) const {
  STRATA_ASSIGN(const Value *value, find(path, "a number"));
  double number = 0;
  if (!value)
    return std::nullopt;
  if (value->kind != Value::Kind::plain || !absl::SimpleAtod(value->text, &number) ||
      !std::isfinite(number))
    return error(path, absl::StrCat("expected a number, found ", printable(value->text)));
  return number;
}

absl::StatusOr<std::optional<bool>> YamlMapping::boolean(std::string_view path) const {
  STRATA_ASSIGN(const Value *value, find(path, "true or false"));
  if (!value)
    return std::nullopt;
  const std::string text = absl::AsciiStrToLower(value->text);
  if (value->kind != Value::Kind::plain || (text != "true" && text != "false"))
    return error(path, absl::StrCat("expected true or false, found ", printable(value->text)));
  return text == "true";
}

absl::StatusOr<std::optional<std::string>> YamlMapping::string(std::string_view path) const {
  STRATA_ASSIGN(const Value *value, find(path, "text"));
  return value ? std::optional(value->text) : std::nullopt;
}

} // namespace strata
