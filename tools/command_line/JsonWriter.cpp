//===- JsonWriter.cpp - JSON for programs to read -------------------------===//

#include "tools/command_line/JsonWriter.h"

#include "absl/strings/str_format.h"

#include <charconv>
#include <cmath>
#include <iterator>

namespace strata {
namespace {

/// Bytes of the UTF-8 character that the text begins with; 0 if it does not begin with one.
size_t characterBytes(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? uint8_t(text[i]) : uint8_t(0); };
  auto follows = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  uint8_t first = byte(0), second = byte(1);
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    bool overlong = first == 0xe0 && second < 0xa0, surrogate = first == 0xed && second > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  bool valid = (first == 0xf0 && second >= 0x90) || (first > 0xf0 && first < 0xf4) ||
               (first == 0xf4 && second <= 0x8f);
  return valid && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t bytes = characterBytes(text);
    char first = text[0];
    if (bytes == 0)
      result += "\\ufffd";
    else if (first == '"' || first == '\\')
      result += {'\\', first};
    else if (uint8_t(first) < 0x20 || first == 0x7f)
      absl::StrAppendFormat(&result, "\\u%04x", first);
    else
      result += text.substr(0, bytes);
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return result;
}

} // namespace

JsonWriter &JsonWriter::key(std::string_view name) {
  separate();
  absl::StrAppend(&text, "\"", escaped(name), "\": ");
  afterKey = true;
  return *this;
}

JsonWriter &JsonWriter::value(std::string_view content) {
  return append(absl::StrCat("\"", escaped(content), "\""));
}

JsonWriter &JsonWriter::value(double number) {
  return std::isfinite(number) ? append(absl::StrFormat("%.10g", number)) : null();
}

JsonWriter &JsonWriter::exactly(double number) {
  if (!std::isfinite(number))
    return null();
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), number);
  return append(std::string_view(digits, size_t(written.ptr - digits)));
}

JsonWriter &JsonWriter::begin(char bracket, Layout layout) {
  bool lines = layout == Layout::lines && (levels.empty() || levels.back().lines);
  append(std::string_view(&bracket, 1));
  levels.push_back({lines, true});
  return *this;
}

JsonWriter &JsonWriter::end(char bracket) {
  Level level = levels.back();
  levels.pop_back();
  if (level.lines && !level.empty)
    breakLine();
  text += bracket;
  return *this;
}

JsonWriter &JsonWriter::append(std::string_view piece) {
  if (!afterKey)
    separate();
  afterKey = false;
  text += piece;
  return *this;
}

/// Before an item of the innermost object or array.
void JsonWriter::separate() {
  if (levels.empty())
    return;
  Level &level = levels.back();
  if (!level.empty)
    text += level.lines ? "," : ", ";
  level.empty = false;
  if (level.lines)
    breakLine();
}

void JsonWriter::breakLine() {
  text += '\n';
  text.append(2 * levels.size(), ' ');
}

} // namespace strata
