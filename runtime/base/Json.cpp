//===- Json.cpp - objects and values, checked as they are read ------------===//
#include "runtime/base/Json.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <charconv>
#include <map>

namespace strata {

using simdjson::dom::element_type;

static constexpr size_t kShownDigits = 80; // of a long number

//===----------------------------------------------------------------------===//
// What a message says
//===----------------------------------------------------------------------===//

/// The shortest form that reads back as the same number, and as one that is no integer.
static std::string formatDouble(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  std::string text(buffer, end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// Bounds in short: 1024, 3.5.
static std::string formatBound(double value) {
  return value == static_cast<int64_t>(value) ? absl::StrCat(static_cast<int64_t>(value))
                                              : formatDouble(value);
}

std::string JsonValue::describe() const {
  switch (element.type()) {
  case element_type::ARRAY:
    return "a list";
  case element_type::OBJECT:
    return "an object";
  case element_type::INT64:
    return absl::StrCat(element.get_int64().value_unsafe());
  case element_type::UINT64: {
    const PythonNumber &number = source->numbers.of(element.get_uint64().value_unsafe());
    return absl::StrCat(number.text.substr(0, kShownDigits), " in line ", number.line);
  }
  case element_type::DOUBLE:
    return formatDouble(element.get_double().value_unsafe());
  case element_type::STRING:
    return quote(element.get_string().value_unsafe());
  case element_type::BOOL:
    return element.get_bool().value_unsafe() ? "true" : "false";
  case element_type::NULL_VALUE:
    return "null";
  }
  return "something else";
}

static std::string expected(IntegerRange range) {
  constexpr IntegerRange kAny;
  if (range.min == kAny.min && range.max == kAny.max)
    return "an integer";
  if (range.max == kAny.max)
    return absl::StrCat("an integer of at least ", range.min);
  return absl::StrCat("an integer in [", range.min, ", ", range.max, "]");
}

static std::string expected(NumberRange range) {
  constexpr NumberRange kAny;
  if (range.min == kAny.min && range.max == kAny.max)
    return "a number";
  if (range.max == kAny.max)
    return absl::StrCat("a number ", range.minExcluded ? "above " : "of at least ",
                        formatBound(range.min));
  return absl::StrCat("a number in ", range.minExcluded ? "(" : "[", formatBound(range.min), ", ",
                      formatBound(range.max), range.maxExcluded ? ")" : "]");
}

static absl::Status errorAt(const std::string &file, const std::string &place,
                            std::string_view message) {
  const absl::string_view separator = place.empty() ? "" : ": ";
  return absl::InvalidArgumentError(absl::StrCat(
      file, ": ", place, separator, absl::string_view(message.data(), message.size())));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

absl::Status JsonValue::error(std::string_view message) const {
  return errorAt(source->file, place, message);
}

absl::Status JsonValue::mismatch(std::string_view expected) const {
  return error(absl::StrCat("expected ", std::string(expected), ", found ", describe()));
}

absl::StatusOr<int64_t> JsonValue::integer(IntegerRange range) const {
  int64_t value;
  if (element.type() != element_type::INT64 || element.get(value) != simdjson::SUCCESS ||
      value < range.min || value > range.max)
    return mismatch(expected(range));
  return value;
}

absl::StatusOr<double> JsonValue::number(NumberRange range) const {
  double value;
  if (element.type() == element_type::UINT64)
    value = source->numbers.of(element.get_uint64().value_unsafe()).value();
  else if (element.get(value) != simdjson::SUCCESS)
    return mismatch(expected(range));
  if (!(value >= range.min && value <= range.max) || (range.minExcluded && value == range.min) ||
      (range.maxExcluded && value == range.max))
    return mismatch(expected(range));
  return value;
}

absl::StatusOr<bool> JsonValue::boolean() const {
  bool value;
  if (element.get(value) != simdjson::SUCCESS)
    return mismatch("true or false");
  return value;
}

absl::StatusOr<std::string_view> JsonValue::string() const {
  std::string_view value;
  if (element.get(value) != simdjson::SUCCESS)
    return mismatch("a string");
  return value;
}

absl::StatusOr<JsonObject> JsonValue::object() const {
  simdjson::dom::object value;
  if (element.get(value) != simdjson::SUCCESS)
    return mismatch("an object");
  return JsonObject(value, source, place);
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::array() const {
  simdjson::dom::array value;
  if (element.get(value) != simdjson::SUCCESS)
    return mismatch("a list");
  std::vector<JsonValue> values;
  for (simdjson::dom::element item : value)
    values.emplace_back(item, source, absl::StrCat(place, "[", values.size(), "]"));
  return values;
}

absl::StatusOr<std::vector<int64_t>> JsonValue::integers(IntegerRange range) const {
  STRATA_ASSIGN(const std::vector<JsonValue> values, array());
  std::vector<int64_t> result;
  for (const JsonValue &value : values) {
    STRATA_ASSIGN(const int64_t integer, value.integer(range));
    result.push_back(integer);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

std::string JsonObject::placeOf(std::string_view key) const {
  return place.empty() ? printable(key) : absl::StrCat(place, ".", printable(key));
}

absl::Status JsonObject::error(std::string_view key, std::string_view message) const {
  return errorAt(source->file, placeOf(key), message);
}

std::optional<JsonValue> JsonObject::find(std::string_view key) const {
  std::optional<simdjson::dom::element> last;
  for (const simdjson::dom::key_value_pair member : members_)
    if (member.key == key)
      last = member.value;
  return last ? std::optional(JsonValue(*last, source, placeOf(key))) : std::nullopt;
}

std::optional<JsonValue> JsonObject::findNonNull(std::string_view key) const {
  std::optional<JsonValue> value = find(key);
  return value && !value->isNull() ? value : std::nullopt;
}

std::vector<JsonMember> JsonObject::members() const {
  std::vector<JsonMember> result;
  std::map<std::string_view, size_t> places; // of keys in `result`; only where there are duplicates
  for (const simdjson::dom::key_value_pair member : members_) {
    JsonValue value(member.value, source, placeOf(member.key));
    if (source->hasDuplicates)
      if (const auto [at, isNew] = places.try_emplace(member.key, result.size()); !isNew) {
        result[at->second].value = std::move(value);
        continue;
      }
    result.push_back({member.key, std::move(value)});
  }
  return result;
}

/// Reads `key` with `get`, a function of JsonValue; `expected` says what an absent one should be.
template <typename Get>
static auto readRequired(const JsonObject &object, std::string_view key,
                         const std::string &expected, Get get) -> decltype(get(*object.find(key))) {
  if (std::optional<JsonValue> value = object.find(key))
    return get(*value);
  return object.error(key, absl::StrCat("missing, expected ", expected));
}

/// Reads `key` with `get` unless it is absent or null.
template <typename T, typename Get>
static absl::StatusOr<std::optional<T>> readOptional(const JsonObject &object, std::string_view key,
                                                     Get get) {
  const std::optional<JsonValue> value = object.findNonNull(key);
  if (!value)
    return std::optional<T>();
  STRATA_ASSIGN(T result, get(*value));
  return std::optional<T>(std::move(result));
}

absl::StatusOr<int64_t> JsonObject::integer(std::string_view key, IntegerRange range) const {
  return readRequired(*this, key, expected(range),
                      [&](auto value) { return value.integer(range); });
}

absl::StatusOr<double> JsonObject::number(std::string_view key, NumberRange range) const {
  return readRequired(*this, key, expected(range), [&](auto value) { return value.number(range); });
}

absl::StatusOr<bool> JsonObject::boolean(std::string_view key) const {
  return readRequired(*this, key, "true or false", [](auto value) { return value.boolean(); });
}

absl::StatusOr<std::string_view> JsonObject::string(std::string_view key) const {
  return readRequired(*this, key, "a string", [](auto value) { return value.string(); });
}

absl::StatusOr<JsonObject> JsonObject::object(std::string_view key) const {
  return readRequired(*this, key, "an object", [](auto value) { return value.object(); });
}

absl::StatusOr<std::vector<JsonValue>> JsonObject::array(std::string_view key) const {
  return readRequired(*this, key, "a list", [](auto value) { return value.array(); });
}

absl::StatusOr<std::vector<int64_t>> JsonObject::integers(std::string_view key,
                                                          IntegerRange range) const {
  return readRequired(*this, key, "a list of integers",
                      [&](auto value) { return value.integers(range); });
}

absl::StatusOr<std::optional<int64_t>> JsonObject::optionalInteger(std::string_view key,
                                                                   IntegerRange range) const {
  return readOptional<int64_t>(*this, key, [&](auto value) { return value.integer(range); });
}

absl::StatusOr<std::optional<double>> JsonObject::optionalNumber(std::string_view key,
                                                                 NumberRange range) const {
  return readOptional<double>(*this, key, [&](auto value) { return value.number(range); });
}

absl::StatusOr<std::optional<bool>> JsonObject::optionalBoolean(std::string_view key) const {
  return readOptional<bool>(*this, key, [](auto value) { return value.boolean(); });
}

absl::StatusOr<std::optional<std::string_view>>
JsonObject::optionalString(std::string_view key) const {
  return readOptional<std::string_view>(*this, key, [](auto value) { return value.string(); });
}

absl::StatusOr<std::optional<JsonObject>> JsonObject::optionalObject(std::string_view key) const {
  return readOptional<JsonObject>(*this, key, [](auto value) { return value.object(); });
}

} // namespace strata
