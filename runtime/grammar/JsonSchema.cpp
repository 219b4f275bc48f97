//===- JsonSchema.cpp - JSON schemas as grammars --------------------------===//

#include "runtime/grammar/JsonSchema.h"

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/grammar/Assertions.h"
#include "runtime/grammar/JsonFormats.h"
#include "runtime/grammar/Parser.h"
#include "runtime/grammar/Regex.h"

#include <algorithm>
#include <deque>
#include <map>

namespace strata::grammar {
namespace {

constexpr size_t kMostChoices = 4096; // of anyOf and oneOf, those of the same value multiplied
constexpr size_t kMostRules = 16384;

class SchemaWriter {
public:
  SchemaWriter(const JsonTree &root, const SchemaOptions &options)
      : schema(root), options(options), top(grammar.addRule("root")), json(grammar) {
    rules[{&root}] = top;
    open.push_back({{&root}, top});
  }

  absl::StatusOr<Grammar> write();

private:
  struct Property {
    std::string name;
    Schemas content;
    bool isRequired;
  };

  absl::StatusOr<Expression> ruleOf(Schemas schemas);
  absl::StatusOr<Expression> writeValue(const Assertions &said);
  absl::StatusOr<Expression> writeChoice(const Assertions &said);
  absl::StatusOr<Expression> writeValues(const Assertions &said);
  absl::StatusOr<bool> allows(const Assertions &said, const JsonTree &value) const;
  absl::StatusOr<Expression> writeNumber(const Assertions &said);
  absl::StatusOr<Expression> writeString(const Assertions &said);
  absl::StatusOr<Expression> writeArray(const Assertions &said);
  absl::StatusOr<Expression> writeObject(const Assertions &said);
  std::vector<Property> propertiesOf(const Assertions &said) const;
  absl::StatusOr<Expression> writeOthers(const Assertions &said,
                                         const std::vector<Property> &properties);
  absl::StatusOr<Expression> writeMembers(const std::vector<Property> &properties,
                                          Expression others);
  absl::StatusOr<Expression> writePattern(const std::string &regex, bool isSearch);

  Grammar grammar;
  const Schema schema;
  const SchemaOptions options;
  const Rule top;
  JsonRules json;
  std::map<Schemas, Rule> rules;
  std::deque<std::pair<Schemas, Rule>> open; // to be written
  size_t choices = 0;
};

absl::StatusOr<Grammar> SchemaWriter::write() {
  for (; !open.empty(); open.pop_front()) {
    const auto &[schemas, rule] = open.front();
    Assertions said;
    for (const JsonTree *each : schemas)
      STRATA_TRY(schema.add(*each, said));
    STRATA_ASSIGN(const Expression content, writeValue(said));
    grammar.define(rule, content);
    if (rules.size() > kMostRules)
      return absl::InvalidArgumentError(
          absl::StrCat("expected schemas for at most ", kMostRules, " places, found more"));
  }
  return std::move(grammar);
}

/// A call of the rule of values that all of these are true of.
absl::StatusOr<Expression> SchemaWriter::ruleOf(Schemas schemas) {
  Schemas resolved;
  for (const JsonTree *each : schemas) {
    STRATA_ASSIGN(const JsonTree *target, schema.resolve(*each));
    if (target->is(false))
      return grammar.never();
    if (!target->is(true))
      resolved.push_back(target);
  }
  std::ranges::sort(resolved);
  resolved.erase(std::ranges::unique(resolved).begin(), resolved.end());
  if (resolved.empty())
    return json.value();
  const auto known = rules.find(resolved);
  if (known != rules.end())
    return grammar.call(known->second);
  const std::string &place = resolved[0]->place;
  const Rule rule = rules[resolved] = grammar.addRule(place.empty() ? "root" : place);
  open.emplace_back(resolved, rule);
  return grammar.call(rule);
}

absl::StatusOr<Expression> SchemaWriter::writeValue(const Assertions &said) {
  if (!said.choices.empty())
    return writeChoice(said);
  if (said.sayNothing())
    return json.value();
  if (said.values)
    return writeValues(said);
  std::vector<Expression> parts;
  if (said.types & kObject) {
    STRATA_ASSIGN(parts.emplace_back(), writeObject(said));
  }
  if (said.types & kArray) {
    STRATA_ASSIGN(parts.emplace_back(), writeArray(said));
  }
  if (said.types & kString) {
    STRATA_ASSIGN(parts.emplace_back(), writeString(said));
  }
  if (said.types & (kInteger | kFractional)) {
    STRATA_ASSIGN(parts.emplace_back(), writeNumber(said));
  }
  if (said.types & kBoolean)
    parts.push_back(json.boolean());
  if (said.types & kNull)
    parts.push_back(grammar.bytes("null"));
  return grammar.choice(std::move(parts));
}

/// What each schema of the last choice says, beside all else.
absl::StatusOr<Expression> SchemaWriter::writeChoice(const Assertions &said) {
  std::vector<Expression> parts;
  for (const JsonTree *each : said.choices.back()) {
    if (++choices > kMostChoices)
      return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMostChoices,
                                                     " choices of anyOf and oneOf, found more"));
    Assertions with = said;
    with.choices.pop_back();
    const bool saysMore = !with.sayNothing();
    if (!saysMore) { // a rule that others may have in common
      STRATA_ASSIGN(parts.emplace_back(), ruleOf({each}));
      continue;
    }
    STRATA_TRY(schema.add(*each, with));
    STRATA_ASSIGN(parts.emplace_back(), writeValue(with));
  }
  return grammar.choice(std::move(parts));
}

absl::StatusOr<Expression> SchemaWriter::writeValues(const Assertions &said) {
  std::vector<Expression> parts;
  for (const JsonTree *value : *said.values) {
    STRATA_ASSIGN(const bool isAllowed, allows(said, *value));
    if (isAllowed)
      parts.push_back(json.constant(*value));
  }
  return grammar.choice(std::move(parts));
}

/// Whether one of the values of const or enum keeps what else is said.
absl::StatusOr<bool> SchemaWriter::allows(const Assertions &said, const JsonTree &value) const {
  const Type type = typeOf(value);
  if (!(said.types & type))
    return false;
  const bool isUnclear = (type == kString && said.restrictsStrings()) ||
                         (type == kArray && (!said.arrays.empty() || said.items != Repetition{})) ||
                         (type == kObject && (!said.objects.empty() || !said.required.empty() ||
                                              said.properties != Repetition{}));
  if (isUnclear)
    return value.error("const and enum beside what else is said of strings, arrays and objects are "
                       "not supported");
  if (!(type & (kInteger | kFractional)))
    return true;
  const auto &[least, most] = said.bounds;
  return (!least || value.number > least->value ||
          (!least->isExcluded && value.number == least->value)) &&
         (!most || value.number < most->value ||
          (!most->isExcluded && value.number == most->value));
}

absl::StatusOr<Expression> SchemaWriter::writeNumber(const Assertions &said) {
  const bool isBounded = said.bounds.least || said.bounds.most;
  if ((said.types & kFractional) && !(said.types & kInteger))
    return grammar.never(); // no schema can say so
  if (!(said.types & kFractional))
    return isBounded ? json.integer(said.bounds) : json.integer();
  if (!isBounded)
    return json.number();
  auto written = json.number(said.bounds);
  return written.ok() ? written
                      : said.keyword({"minimum", "exclusiveMinimum"})
                            .error(std::string(written.status().message()));
}

absl::StatusOr<Expression> SchemaWriter::writeString(const Assertions &said) {
  if (!said.restrictsStrings())
    return json.string();
  const JsonTree *text = said.pattern ? said.pattern : said.format;
  if (!text)
    return said.length.most && *said.length.most < said.length.least ? grammar.never()
                                                                     : json.string(said.length);
  if ((said.pattern && said.format) || said.length != Repetition{})
    return text->error("beside other limits of a string is not supported");
  if (said.pattern) {
    auto written = writePattern(text->text, /*isSearch=*/true);
    return written.ok() ? written : text->error(std::string(written.status().message()));
  }
  const auto regex = regexOfFormat(text->text);
  if (!regex)
    return text->error(absl::StrCat(quote(text->text), " is not supported"));
  return writePattern(std::string(*regex), /*isSearch=*/false);
}

absl::StatusOr<Expression> SchemaWriter::writePattern(const std::string &regex, bool isSearch) {
  STRATA_ASSIGN(const Expression content, addRegex(grammar, regex, isSearch, JsonRules::character));
  return grammar.sequence({grammar.bytes("\""), content, grammar.bytes("\"")});
}

/// What stands at the first places, then what stands at all others: each place may be the last if
/// there are enough before it.
absl::StatusOr<Expression> SchemaWriter::writeArray(const Assertions &said) {
  size_t fixed = 0;
  for (const Assertions::ArrayPart &part : said.arrays)
    fixed = std::max(fixed, part.prefix.size());
  Schemas rest;
  for (const Assertions::ArrayPart &part : said.arrays)
    if (part.items)
      rest.push_back(part.items);
  STRATA_ASSIGN(const Expression others, ruleOf(rest));
  const Repetition &count = said.items;
  if (count.most && *count.most < count.least)
    return grammar.never();
  if (fixed == 0)
    return json.list("[", others, count, "]");
  const auto taken = uint32_t(fixed);
  Repetition behind = {count.least > taken ? count.least - taken : 0, {}};
  if (count.most)
    behind.most = *count.most > taken ? *count.most - taken : 0;
  const Expression comma = grammar.sequence({grammar.bytes(","), json.space()});
  Expression tail = grammar.repeat(grammar.sequence({comma, others}), behind);
  for (size_t i = fixed; i-- > 0;) {
    Schemas here;
    for (const Assertions::ArrayPart &part : said.arrays)
      if (const JsonTree *item = i < part.prefix.size() ? part.prefix[i] : part.items)
        here.push_back(item);
    STRATA_ASSIGN(const Expression item, ruleOf(here));
    const bool mayStand = !count.most || i < *count.most;
    tail = grammar.sequence({i == 0 ? json.space() : comma, item, tail});
    tail = !mayStand ? grammar.empty() : i >= count.least ? grammar.optional(tail) : tail;
  }
  return grammar.sequence({grammar.bytes("["), tail, json.space(), grammar.bytes("]")});
}

/// In the order in which schemas name them, those that are only required last.
std::vector<SchemaWriter::Property> SchemaWriter::propertiesOf(const Assertions &said) const {
  std::vector<Property> properties;
  const auto add = [&](const std::string &name) {
    if (std::ranges::find(properties, name, &Property::name) != properties.end())
      return;
    Property property{name, {}, std::ranges::count(said.required, name) > 0};
    for (const Assertions::ObjectPart &part : said.objects) {
      const JsonTree *own = part.properties ? part.properties->find(name) : nullptr;
      if (own || part.additional)
        property.content.push_back(own ? own : part.additional);
    }
    properties.push_back(std::move(property));
  };
  for (const Assertions::ObjectPart &part : said.objects)
    if (part.properties)
      for (const auto &[name, content] : part.properties->members)
        add(name);
  for (const std::string &name : said.required)
    add(name);
  return properties;
}

/// A member that no property names; never where there may be none.
absl::StatusOr<Expression> SchemaWriter::writeOthers(const Assertions &said,
                                                     const std::vector<Property> &properties) {
  Schemas content;
  bool isNamed = false;
  for (const Assertions::ObjectPart &part : said.objects) {
    isNamed |= part.properties != nullptr;
    if (part.additional)
      content.push_back(part.additional);
  }
  if (content.empty() && isNamed && options.closesObjects)
    return grammar.never();
  STRATA_ASSIGN(const Expression value, ruleOf(content));
  if (properties.empty())
    return json.member(json.string(), value);
  std::vector<std::string> names;
  for (const Property &property : properties)
    names.push_back(property.name);
  return json.member(json.stringBut(names), value);
}

absl::StatusOr<Expression> SchemaWriter::writeObject(const Assertions &said) {
  const std::vector<Property> properties = propertiesOf(said);
  STRATA_ASSIGN(const Expression others, writeOthers(said, properties));
  if (said.properties == Repetition{})
    return writeMembers(properties, others);
  if (!properties.empty())
    return said.keyword({"minProperties", "maxProperties"})
        .error("is not supported beside properties and required");
  const Repetition &count = said.properties;
  if (count.most && *count.most < count.least)
    return grammar.never();
  return json.list("{", others, count, "}");
}

/// From each property on there are two rules, of which the second is that of the first with a comma
/// before it: so each is written once, however many may be left out.
absl::StatusOr<Expression> SchemaWriter::writeMembers(const std::vector<Property> &properties,
                                                      Expression others) {
  const Expression comma = grammar.sequence({grammar.bytes(","), json.space()});
  const Expression close = grammar.sequence({json.space(), grammar.bytes("}")});
  const auto add = [&](Expression content) {
    const Rule rule = grammar.addRule("members");
    grammar.define(rule, content);
    return grammar.call(rule);
  };
  const Expression more = grammar.repeat(grammar.sequence({comma, others}), {});
  Expression behind = add(grammar.sequence({more, close})); // there are members before
  Expression first =
      grammar.choice({grammar.sequence({json.space(), others, behind}), close}); // there are none
  for (size_t i = properties.size(); i-- > 0;) {
    const Property &property = properties[i];
    STRATA_ASSIGN(const Expression content, ruleOf(property.content));
    const Expression member = json.member(json.string(property.name), content);
    std::vector<Expression> whereFirst = {grammar.sequence({json.space(), member, behind})};
    std::vector<Expression> whereNext = {grammar.sequence({comma, member, behind})};
    if (!property.isRequired) {
      whereFirst.push_back(first);
      whereNext.push_back(behind);
    }
    first = add(grammar.choice(std::move(whereFirst)));
    behind = add(grammar.choice(std::move(whereNext)));
  }
  return grammar.sequence({grammar.bytes("{"), first});
}

} // namespace

absl::StatusOr<Grammar> parseJsonSchema(std::string_view text, const SchemaOptions &options) {
  STRATA_TRY(Parser::check(text));
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, "schema", &duplicates));
  STRATA_ASSIGN(const JsonTree root, JsonTree::from(document.root(), ""));
  return SchemaWriter(root, options).write();
}

} // namespace strata::grammar
