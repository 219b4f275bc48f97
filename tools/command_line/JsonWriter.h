//===- JsonWriter.h - JSON for programs to read -----------------*- C++ -*-===//
#pragma once

#include "absl/strings/str_cat.h"

#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace strata {

/// Writes one JSON value piece by piece, keys in the order of the calls. Objects and arrays are
/// broken into lines, one for each member, unless they were begun on one line.
class JsonWriter {
public:
  enum class Layout { lines, oneLine };

  JsonWriter &beginObject(Layout layout = Layout::lines) { return begin('{', layout); }
  JsonWriter &beginArray(Layout layout = Layout::lines) { return begin('[', layout); }
  JsonWriter &endObject() { return end('}'); }
  JsonWriter &endArray() { return end(']'); }
  /// What comes next is this member of the object.
  JsonWriter &key(std::string_view name);

  /// Bytes that are not UTF-8 become U+FFFD.
  JsonWriter &value(std::string_view text);
  JsonWriter &value(const char *text) { return value(std::string_view(text)); }
  JsonWriter &value(const std::string &text) { return value(std::string_view(text)); }
  JsonWriter &value(bool truth) { return append(truth ? "true" : "false"); }
  template <std::integral Integer>
  JsonWriter &value(Integer number) {
    return append(absl::StrCat(number));
  }
  /// With 10 digits; null for NaN and infinities, which JSON does not have.
  JsonWriter &value(double number);
  /// With the fewest digits that give the same number back.
  JsonWriter &exactly(double number);
  /// With 6 digits: 1e-05, not the nearest float's ten.
  JsonWriter &value(float number) { return append(absl::StrCat(number)); }
  JsonWriter &null() { return append("null"); }

  template <typename Value>
  JsonWriter &member(std::string_view name, const Value &content) {
    return key(name).value(content);
  }
  /// The values on one line.
  template <std::ranges::range Values>
  JsonWriter &list(std::string_view name, const Values &values) {
    key(name).beginArray(Layout::oneLine);
    for (const auto &content : values)
      value(content);
    return endArray();
  }

  /// What was written, with a line end.
  std::string take() { return std::move(text) + "\n"; }

private:
  struct Level {
    bool lines, empty;
  };

  JsonWriter &begin(char bracket, Layout layout);
  JsonWriter &end(char bracket);
  JsonWriter &append(std::string_view piece);
  void separate();
  void breakLine();

  std::string text;
  std::vector<Level> levels;
  bool afterKey = false;
};

} // namespace strata
