//===- SchemaSuiteTest.cpp - JSON-Schema-Test-Suite against schemas -------===//
//
// The cases of draft 2020-12 for the keywords that are supported, as they are in
// https://github.com/json-schema-org/JSON-Schema-Test-Suite (MIT, 44401e0): a value that a schema
// is true of must be written by its grammar in some order of the members, any other in none.
//
//===----------------------------------------------------------------------===//

#include "runtime/grammar/JsonRules.h"
#include "runtime/grammar/JsonSchema.h"
#include "runtime/grammar/JsonTree.h"
#include "test/runtime/grammar/GrammarTesting.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

namespace strata::grammar {
namespace {

/// As it is written without gaps, with the members of each object in every order.
std::vector<std::string> spellings(const JsonTree &value) {
  const std::vector<std::string> none = {""};
  const auto join = [](const std::vector<std::string> &a, const std::string &between,
                       const std::vector<std::string> &b) {
    std::vector<std::string> all;
    for (const std::string &left : a)
      for (const std::string &right : b)
        all.push_back(left + between + right);
    return all;
  };
  const auto quoted = [](const std::string &text) {
    Grammar grammar;
    return grammar.term(JsonRules(grammar).string(std::string_view(text))).text;
  };
  if (value.kind == JsonTree::Kind::string)
    return {quoted(value.text)};
  if (value.kind == JsonTree::Kind::number)
    return {spellNumber(value)};
  if (value.kind == JsonTree::Kind::boolean)
    return {value.truth ? "true" : "false"};
  if (value.kind == JsonTree::Kind::null)
    return {"null"};
  if (value.kind == JsonTree::Kind::array) {
    std::vector<std::string> all = {"["};
    for (const JsonTree &item : value.items)
      all = join(all, &item == &value.items[0] ? "" : ",", spellings(item));
    return join(all, "]", none);
  }
  std::vector<size_t> order(value.members.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::vector<std::string> all;
  do {
    std::vector<std::string> one = {"{"};
    for (size_t i : order)
      one = join(one, (i == order[0] ? "" : ",") + quoted(value.members[i].first) + ":",
                 spellings(value.members[i].second));
    one = join(one, "}", none);
    all.insert(all.end(), one.begin(), one.end());
  } while (std::ranges::next_permutation(order).found);
  return all;
}

bool isWritten(const std::shared_ptr<CompiledGrammar> &grammar, const JsonTree &value) {
  return std::ranges::any_of(spellings(value),
                             [&](const std::string &text) { return matches(grammar, text); });
}

struct Counts {
  int groups = 0, refusedGroups = 0, cases = 0, refusedCases = 0, right = 0;
  std::vector<std::string> unwritten = {}; // values that fit, and are never written
  std::map<std::string, int> reasons = {}; // of refusals, by the keyword
};

/// Of an error, where it is and what, without what is particular.
std::string reasonOf(std::string_view message) {
  const std::string_view place = message.substr(0, message.find(':'));
  return std::string(place.substr(place.rfind('.') == place.npos ? 0 : place.rfind('.') + 1));
}

void runGroup(const std::string &file, const JsonTree &group, Counts &counts) {
  const std::string schema = group.find("schema")->text;
  const auto &tests = group.find("tests")->items;
  ++counts.groups;
  counts.cases += int(tests.size());
  const auto grammar = parseJsonSchema(schema, {.closesObjects = false});
  if (!grammar.ok()) {
    ++counts.refusedGroups;
    counts.refusedCases += int(tests.size());
    ++counts.reasons[reasonOf(std::string(grammar.status().message()))];
    return;
  }
  const auto compiledOne = CompiledGrammar::create(*grammar, demoVocabulary());
  for (const JsonTree &test : tests) {
    const bool fits = test.find("valid")->truth;
    const bool written = compiledOne.ok() && isWritten(*compiledOne, *test.find("data"));
    const std::string name =
        file + ": " + group.find("description")->text + ": " + test.find("description")->text;
    if (fits && !written)
      counts.unwritten.push_back(name);
    else
      counts.right += fits == written;
    EXPECT_TRUE(fits || !written) << name << " is written";
  }
}

/// The schemas as texts: "schema" of each group is what stands in the file.
JsonTree readGroups(const std::string &path) {
  const std::string text = readFile(path, 1 << 20).value();
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  EXPECT_FALSE(parser.parse(text).get(root));
  const auto document = JsonDocument::parse(text, path).value();
  JsonTree groups = JsonTree::from(document.root(), "").value();
  size_t i = 0;
  for (simdjson::dom::element group : root.get_array()) {
    JsonTree schema;
    schema.kind = JsonTree::Kind::string;
    schema.text = simdjson::minify(group["schema"]);
    for (auto &[key, value] : groups.items[i].members)
      if (key == "schema")
        value = schema;
    ++i;
  }
  return groups;
}

/// Numbers without end, and leap seconds that are not written as UTC's.
bool isKnown(const std::string &name) {
  for (const char *part : {"leap second", "fifteen nines", "a component with many digits"})
    if (name.find(part) != name.npos)
      return true;
  return false;
}

TEST(JsonSchemaSuite, ValuesThatFitAreWrittenAndNoOthers) {
  Counts all;
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(STRATA_SCHEMA_SUITE))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto &path : files) {
    const JsonTree groups = readGroups(path.string());
    for (const JsonTree &group : groups.items)
      runGroup(path.stem().string(), group, all);
  }
  const std::map<std::string, int> refused = {{"$ref", 16}, // to other documents or anchors
                                              {"oneOf", 8}, // of schemas that may both be true
                                              {"dependentSchemas", 1},
                                              {"multipleOf", 1},
                                              {"pattern", 1},
                                              {"patternProperties", 3},
                                              {"propertyNames", 1},
                                              {"unevaluatedProperties", 1}};
  EXPECT_EQ(all.reasons, refused);
  for (const std::string &name : all.unwritten)
    EXPECT_TRUE(isKnown(name)) << name << " is not written";
  EXPECT_EQ(all.unwritten.size(), 8u);
  EXPECT_EQ(all.right, all.cases - all.refusedCases - 8);
  std::cout << all.groups << " schemas, " << all.refusedGroups << " refused; " << all.cases
            << " cases, " << all.refusedCases << " of refused schemas, " << all.right << " right, "
            << all.unwritten.size() << " fit and are not written\n";
}

} // namespace
} // namespace strata::grammar
