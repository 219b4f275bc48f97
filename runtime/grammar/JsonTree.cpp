//===- JsonTree.cpp - a JSON value to walk about in -----------------------===//

#include "runtime/grammar/JsonTree.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace strata::grammar {
namespace {

constexpr double kMostWhole = 1e18;

std::string placeOf(const std::string &place, std::string_view key) {
  const std::string name = printable(key);
  return place.empty() ? name : absl::StrCat(place, ".", name);
}

absl::Status readNumber(const JsonValue &value, JsonTree &tree) {
  tree.kind = JsonTree::Kind::number;
  STRATA_ASSIGN(tree.number, value.number());
  if (const auto whole = value.integer(); whole.ok())
    tree.whole = *whole;
  else if (std::trunc(tree.number) == tree.number && std::abs(tree.number) < kMostWhole)
    tree.whole = int64_t(tree.number);
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<JsonTree> JsonTree::from(const JsonValue &value, std::string place) {
  JsonTree tree;
  tree.place = std::move(place);
  if (value.isNull())
    return tree;
  if (const auto truth = value.boolean(); truth.ok()) {
    tree.kind = Kind::boolean;
    tree.truth = *truth;
  } else if (value.isString()) {
    tree.kind = Kind::string;
    STRATA_ASSIGN(tree.text, value.string());
  } else if (value.isArray()) {
    tree.kind = Kind::array;
    STRATA_ASSIGN(const auto items, value.array());
    for (size_t i = 0; i < items.size(); ++i) {
      STRATA_ASSIGN(tree.items.emplace_back(),
                    from(items[i], absl::StrCat(tree.place, "[", i, "]")));
    }
  } else if (value.isObject()) {
    tree.kind = Kind::object;
    STRATA_ASSIGN(const JsonObject object, value.object());
    for (const JsonMember &member : object.members()) {
      STRATA_ASSIGN(JsonTree content, from(member.value, placeOf(tree.place, member.key)));
      tree.members.emplace_back(member.key, std::move(content));
    }
  } else {
    STRATA_TRY(readNumber(value, tree));
  }
  return tree;
}

const JsonTree *JsonTree::find(std::string_view key) const {
  const auto member = std::ranges::find(
      members, key, [](const auto &each) { return std::string_view(each.first); });
  return member == members.end() ? nullptr : &member->second;
}

bool JsonTree::operator==(const JsonTree &other) const {
  if (kind != other.kind || members.size() != other.members.size())
    return false;
  if (kind == Kind::number)
    return whole == other.whole && (whole || number == other.number);
  for (const auto &[key, value] : members) {
    const JsonTree *match = other.find(key);
    if (!match || !(value == *match))
      return false;
  }
  return truth == other.truth && text == other.text && items == other.items;
}

absl::Status JsonTree::error(std::string_view message) const {
  return absl::InvalidArgumentError(
      place.empty() ? std::string(message) : absl::StrCat(place, ": ", std::string(message)));
}

absl::StatusOr<uint32_t> JsonTree::count() const {
  if (kind != Kind::number || !whole || *whole < 0 || *whole > std::numeric_limits<int32_t>::max())
    return error("expected a whole number from 0 to 2147483647");
  return uint32_t(*whole);
}

absl::StatusOr<const std::string *> JsonTree::string() const {
  if (kind != Kind::string)
    return error("expected a string");
  return &text;
}

/// Escapes no more than must be.
static std::string spellString(std::string_view text) {
  std::string spelled = "\"";
  for (char c : text)
    if (uint8_t(c) < 0x20)
      absl::StrAppendFormat(&spelled, "\\u%04x", unsigned(uint8_t(c)));
    else
      spelled += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  return spelled + "\"";
}

std::string spell(const JsonTree &value) {
  std::vector<std::string> parts;
  switch (value.kind) {
  case JsonTree::Kind::null:
    return "null";
  case JsonTree::Kind::boolean:
    return value.truth ? "true" : "false";
  case JsonTree::Kind::number:
    return spellNumber(value);
  case JsonTree::Kind::string:
    return spellString(value.text);
  case JsonTree::Kind::array:
    for (const JsonTree &item : value.items)
      parts.push_back(spell(item));
    return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
  case JsonTree::Kind::object:
    for (const auto &[key, content] : value.members)
      parts.push_back(absl::StrCat(spellString(key), ":", spell(content)));
    return absl::StrCat("{", absl::StrJoin(parts, ","), "}");
  }
  return "";
}

std::string spellNumber(const JsonTree &number) {
  if (number.whole)
    return absl::StrCat(*number.whole);
  std::array<char, 64> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number.number).ptr;
  return std::string(digits.data(), end);
}

} // namespace strata::grammar
