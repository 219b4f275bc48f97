//===- Assertions.cpp - what schemas say together -------------------------===//

#include "runtime/grammar/Assertions.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <charconv>

namespace strata::grammar {
namespace {

constexpr size_t kMostDepth = 64; // of $ref and allOf
constexpr size_t kMostValues = 4096, kMostRequired = 2048, kMostExclusive = 256;
constexpr size_t kMostProperties = 2048, kMostNameBytes = 256;

absl::Status checkSize(const JsonTree &list, size_t most) {
  if (list.items.size() <= most && list.members.size() <= most)
    return absl::OkStatus();
  return list.error(absl::StrCat("expected at most ", most, ", found ",
                                 std::max(list.items.size(), list.members.size())));
}

/// Say nothing about values.
constexpr std::string_view kAnnotations[] = {
    "$schema",          "$comment",        "$defs",         "definitions",  "$vocabulary",
    "$anchor",          "$dynamicAnchor",  "title",         "description",  "default",
    "examples",         "example",         "deprecated",    "readOnly",     "writeOnly",
    "contentMediaType", "contentEncoding", "contentSchema", "discriminator"};

struct NamedType {
  std::string_view name;
  uint8_t types;
};
constexpr NamedType kTypes[] = {{"null", kNull},       {"boolean", kBoolean},
                                {"integer", kInteger}, {"number", kInteger | kFractional},
                                {"string", kString},   {"array", kArray},
                                {"object", kObject}};

/// "a~1b%25" to "a/b%".
std::string unescape(std::string_view token) {
  std::string text;
  for (size_t i = 0; i < token.size(); ++i) {
    unsigned byte = 0;
    const char *digits = token.data() + i + 1;
    if (token[i] == '%' && i + 2 < token.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      text += char(byte);
      i += 2;
    } else {
      text += token[i];
    }
  }
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool isEscape = text[i] == '~' && i + 1 < text.size();
    result += !isEscape ? text[i] : text[++i] == '1' ? '/' : '~';
  }
  return result;
}

absl::Status expectSchema(const JsonTree &value) {
  if (value.isObject() || value.kind == JsonTree::Kind::boolean)
    return absl::OkStatus();
  return value.error("expected a schema: an object, true or false");
}

absl::StatusOr<Schemas> schemasOf(const JsonTree &value) {
  if (value.kind != JsonTree::Kind::array)
    return value.error("expected a list of schemas");
  Schemas schemas;
  for (const JsonTree &each : value.items) {
    STRATA_TRY(expectSchema(each));
    schemas.push_back(&each);
  }
  return schemas;
}

void raise(std::optional<NumberBound> &bound, NumberBound other, bool isLeast) {
  const bool isStricter =
      !bound || (isLeast ? other.value > bound->value : other.value < bound->value);
  if (isStricter)
    bound = other;
  else if (other.value == bound->value)
    bound->isExcluded |= other.isExcluded;
}

bool isRequired(const Assertions &assertions, std::string_view name) {
  return std::ranges::find(assertions.required, name) != assertions.required.end();
}

} // namespace

Type typeOf(const JsonTree &value) {
  switch (value.kind) {
  case JsonTree::Kind::null:
    return kNull;
  case JsonTree::Kind::boolean:
    return kBoolean;
  case JsonTree::Kind::number:
    return value.whole ? kInteger : kFractional;
  case JsonTree::Kind::string:
    return kString;
  case JsonTree::Kind::array:
    return kArray;
  case JsonTree::Kind::object:
    return kObject;
  }
  return kNull;
}

bool isAmong(const JsonTree &value, const Schemas &values) {
  return std::ranges::any_of(values, [&](const JsonTree *each) { return *each == value; });
}

bool Assertions::sayNothing() const {
  return types == kAnyType && !values && !bounds.least && !bounds.most && !restrictsStrings() &&
         items == Repetition{} && arrays.empty() && properties == Repetition{} && objects.empty() &&
         required.empty() && choices.empty();
}

const JsonTree &Assertions::keyword(std::initializer_list<std::string_view> names) const {
  for (const JsonTree *schema : seen)
    for (std::string_view name : names)
      if (const JsonTree *value = schema->find(name))
        return *value;
  return **seen.begin();
}

bool Assertions::exclude(const Assertions &other, const Schema &schema) const {
  if ((types & other.types) == 0)
    return true;
  if (values && other.values)
    return std::ranges::none_of(
        *values, [&](const JsonTree *value) { return isAmong(*value, *other.values); });
  if (values || other.values) {
    const uint8_t others = values ? other.types : types;
    return std::ranges::none_of(values ? *values : *other.values,
                                [&](const JsonTree *value) { return typeOf(*value) & others; });
  }
  if ((types & other.types) != kObject)
    return false;
  // A member that both must have and that cannot be the same.
  for (const ObjectPart &mine : objects)
    for (const ObjectPart &theirs : other.objects)
      for (size_t i = 0;
           mine.properties && theirs.properties && i < mine.properties->members.size(); ++i) {
        const auto &[name, content] = mine.properties->members[i];
        const JsonTree *same = theirs.properties->find(name);
        if (!same || !isRequired(*this, name) || !isRequired(other, name))
          continue;
        Assertions a{.isProbe = true}, b{.isProbe = true};
        if (schema.add(content, a).ok() && schema.add(*same, b).ok() && a.values && b.values &&
            a.exclude(b, schema))
          return true;
      }
  return false;
}

absl::StatusOr<const JsonTree *> Schema::find(const JsonTree &reference) const {
  STRATA_ASSIGN(const std::string *text, reference.string());
  std::string_view rest = *text;
  if (!rest.starts_with("#") || (rest.size() > 1 && rest[1] != '/'))
    return reference.error(absl::StrCat("expected \"#\" or \"#/…\", found ", quote(*text)));
  const JsonTree *at = &root;
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string token = unescape(rest.substr(1, end - 1));
    rest.remove_prefix(end);
    size_t index = 0;
    const auto [stop, failed] = std::from_chars(token.data(), token.data() + token.size(), index);
    const bool isIndex = failed == std::errc() && stop == token.data() + token.size();
    if (at->kind == JsonTree::Kind::array)
      at = isIndex && index < at->items.size() ? &at->items[index] : nullptr;
    else
      at = at->find(token);
    if (!at)
      return reference.error(absl::StrCat("there is no ", quote(*text)));
    if (at->isObject() && at->find("$id") && at != &root)
      return at->find("$id")->error("is not supported but at the root");
  }
  STRATA_TRY(expectSchema(*at));
  return at;
}

absl::StatusOr<const JsonTree *> Schema::resolve(const JsonTree &schema) const {
  const JsonTree *at = &schema;
  for (size_t steps = 0; steps < 64; ++steps) {
    const JsonTree *reference = at->find("$ref");
    const bool isAlone = std::ranges::all_of(at->members, [](const auto &member) {
      return member.first == "$ref" || std::ranges::count(kAnnotations, member.first) > 0;
    });
    if (!reference || !isAlone)
      return at;
    STRATA_ASSIGN(at, find(*reference));
  }
  return schema.error("refers to itself");
}

absl::Status Schema::add(const JsonTree &schema, Assertions &to) const {
  STRATA_TRY(expectSchema(schema));
  if (!to.seen.insert(&schema).second)
    return absl::OkStatus();
  if (!schema.isObject()) {
    to.types &= schema.truth ? kAnyType : 0;
    return absl::OkStatus();
  }
  if (++to.depth > kMostDepth)
    return schema.error(
        absl::StrCat("expected schemas at most ", kMostDepth, " deep in each other"));
  for (const auto &[key, value] : schema.members)
    STRATA_TRY(addKeyword(key, value, schema, to));
  --to.depth;
  const JsonTree *prefix = schema.find("prefixItems"), *items = schema.find("items");
  if (prefix || items) {
    Assertions::ArrayPart part;
    if (prefix) {
      STRATA_ASSIGN(part.prefix, schemasOf(*prefix));
    }
    if (items)
      STRATA_TRY(expectSchema(*items));
    part.items = items;
    to.arrays.push_back(std::move(part));
  }
  const JsonTree *properties = schema.find("properties");
  const JsonTree *additional = schema.find("additionalProperties");
  if (properties && !properties->isObject())
    return properties->error("expected an object of schemas");
  if (properties) {
    STRATA_TRY(checkSize(*properties, kMostProperties));
    for (const auto &[name, content] : properties->members)
      if (name.size() > kMostNameBytes)
        return content.error(absl::StrCat("expected a name of at most ", kMostNameBytes,
                                          " bytes, found ", name.size()));
  }
  if (additional)
    STRATA_TRY(expectSchema(*additional));
  if (properties || additional)
    to.objects.push_back({properties, additional});
  return absl::OkStatus();
}

absl::Status Schema::addKeyword(const std::string &key, const JsonTree &value,
                                const JsonTree &schema, Assertions &to) const {
  constexpr std::string_view kTaken[] = {"prefixItems", "items", "properties",
                                         "additionalProperties"}; // by add()
  if (std::ranges::count(kAnnotations, key) || std::ranges::count(kTaken, key) ||
      key.starts_with("x-") || (key == "$id" && &schema == &root))
    return absl::OkStatus();
  if (key == "type")
    return addTypes(value, to);
  if (key == "const")
    return addValues({&value}, to);
  if (key == "enum") {
    if (value.kind != JsonTree::Kind::array)
      return value.error("expected a list of values");
    STRATA_TRY(checkSize(value, kMostValues));
    Schemas values;
    for (const JsonTree &each : value.items)
      values.push_back(&each);
    return addValues(std::move(values), to);
  }
  if ((key == "pattern" && to.pattern) || (key == "format" && to.format))
    return value.error("a second one for the same value is not supported");
  if (key == "pattern" || key == "format") {
    STRATA_TRY(value.string().status());
    (key == "pattern" ? to.pattern : to.format) = &value;
    return absl::OkStatus();
  }
  if (key == "required") {
    STRATA_TRY(checkSize(value, kMostRequired));
    for (const JsonTree &name : value.items) {
      STRATA_ASSIGN(const std::string *text, name.string());
      if (text->size() > kMostNameBytes)
        return name.error(absl::StrCat("expected a name of at most ", kMostNameBytes,
                                       " bytes, found ", text->size()));
      if (!isRequired(to, *text))
        to.required.push_back(*text);
    }
    return value.kind == JsonTree::Kind::array ? absl::OkStatus()
                                               : value.error("expected a list of names");
  }
  if (key == "uniqueItems" && value.is(false))
    return absl::OkStatus();
  STRATA_ASSIGN(bool isDone, addNumeric(key, value, to));
  if (!isDone) {
    STRATA_ASSIGN(isDone, addApplicator(key, value, to));
  }
  return isDone ? absl::OkStatus() : value.error("is not supported");
}

absl::StatusOr<bool> Schema::addNumeric(const std::string &key, const JsonTree &value,
                                        Assertions &to) const {
  if (key == "minimum" || key == "maximum" || key == "exclusiveMinimum" ||
      key == "exclusiveMaximum") {
    if (value.kind != JsonTree::Kind::number)
      return value.error("expected a number");
    const bool isLeast = key.ends_with("inimum");
    raise(isLeast ? to.bounds.least : to.bounds.most, {value.number, key.starts_with("e")},
          isLeast);
    return true;
  }
  Repetition *times = key.ends_with("Length")       ? &to.length
                      : key.ends_with("Items")      ? &to.items
                      : key.ends_with("Properties") ? &to.properties
                                                    : nullptr;
  const bool isLeast = key == "minLength" || key == "minItems" || key == "minProperties";
  const bool isMost = key == "maxLength" || key == "maxItems" || key == "maxProperties";
  if (!times || (!isLeast && !isMost))
    return false;
  STRATA_ASSIGN(const uint32_t count, value.count());
  if (isLeast)
    times->least = std::max(times->least, count);
  else
    times->most = std::min(times->most.value_or(count), count);
  return true;
}

absl::StatusOr<bool> Schema::addApplicator(const std::string &key, const JsonTree &value,
                                           Assertions &to) const {
  if (key == "$ref") {
    STRATA_ASSIGN(const JsonTree *target, find(value));
    STRATA_TRY(add(*target, to));
  } else if (key == "allOf") {
    STRATA_ASSIGN(const Schemas all, schemasOf(value));
    for (const JsonTree *each : all)
      STRATA_TRY(add(*each, to));
  } else if (key == "anyOf" || key == "oneOf") {
    STRATA_TRY(addChoice(value, key == "oneOf", to));
  } else {
    return false;
  }
  return true;
}

absl::Status Schema::addTypes(const JsonTree &value, Assertions &to) const {
  uint8_t types = 0;
  const auto addNamed = [&](const JsonTree &name) -> absl::Status {
    STRATA_ASSIGN(const std::string *text, name.string());
    const auto *const named = std::ranges::find(kTypes, *text, &NamedType::name);
    if (named == std::end(kTypes))
      return name.error(absl::StrCat("there is no type ", quote(*text)));
    types |= named->types;
    return absl::OkStatus();
  };
  if (value.kind != JsonTree::Kind::array)
    STRATA_TRY(addNamed(value));
  for (const JsonTree &name : value.items)
    STRATA_TRY(addNamed(name));
  to.types &= types;
  return absl::OkStatus();
}

absl::Status Schema::addValues(Schemas values, Assertions &to) const {
  if (to.values)
    std::erase_if(values, [&](const JsonTree *value) { return !isAmong(*value, *to.values); });
  to.values = std::move(values);
  return absl::OkStatus();
}

absl::Status Schema::addChoice(const JsonTree &value, bool isExclusive, Assertions &to) const {
  STRATA_ASSIGN(Schemas schemas, schemasOf(value));
  if (isExclusive && !to.isProbe)
    STRATA_TRY(checkExclusive(value));
  to.choices.push_back(std::move(schemas));
  return absl::OkStatus();
}

absl::Status Schema::checkExclusive(const JsonTree &value) const {
  STRATA_TRY(checkSize(value, kMostExclusive));
  std::vector<Assertions> each(value.items.size(), Assertions{.isProbe = true});
  for (size_t i = 0; i < each.size(); ++i) {
    STRATA_TRY(add(value.items[i], each[i]));
    for (size_t j = 0; j < i; ++j)
      if (!each[i].exclude(each[j], *this))
        return value.error(absl::StrCat(
            "is only supported for schemas that exclude each other by type, const or enum, or by "
            "those of a required property; [",
            j, "] and [", i, "] may not"));
  }
  return absl::OkStatus();
}

} // namespace strata::grammar
