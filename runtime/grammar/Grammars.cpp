//===- Grammars.cpp - the grammars of a server's requests -----------------===//

#include "runtime/grammar/Grammars.h"

#include "runtime/base/Status.h"
#include "runtime/grammar/Gbnf.h"
#include "runtime/grammar/JsonRules.h"
#include "runtime/grammar/JsonSchema.h"
#include "runtime/grammar/Parser.h"
#include "runtime/grammar/Regex.h"

#include <algorithm>

namespace strata::grammar {

static absl::StatusOr<Grammar> parseChoices(const std::vector<std::string> &choices) {
  if (choices.empty())
    return absl::InvalidArgumentError("expected at least 1 text, found none");
  Grammar grammar;
  const Rule root = grammar.addRule("root");
  std::vector<Expression> parts;
  for (const std::string &choice : choices) {
    STRATA_TRY(Parser::check(choice));
    parts.push_back(grammar.bytes(choice));
  }
  grammar.define(root, grammar.choice(std::move(parts)));
  return grammar;
}

absl::StatusOr<Grammar> parseGrammar(const GrammarSource &source) {
  switch (source.kind) {
  case GrammarSource::Kind::gbnf:
    return parseGbnf(source.text);
  case GrammarSource::Kind::regex:
    return parseRegex(source.text);
  case GrammarSource::Kind::jsonObject:
    return jsonObjects();
  case GrammarSource::Kind::jsonSchema:
    return parseJsonSchema(source.text);
  case GrammarSource::Kind::choice:
    return parseChoices(source.choices);
  }
  return absl::InternalError("there is no such kind of grammar");
}

absl::StatusOr<std::shared_ptr<CompiledGrammar>> Grammars::compile(const GrammarSource &source) {
  if (auto known = find(source))
    return known;
  STRATA_ASSIGN(const Grammar grammar, parseGrammar(source));
  STRATA_ASSIGN(auto made, CompiledGrammar::create(grammar, readVocabulary()));
  std::lock_guard lock(mutex);
  kept.emplace_front(source, made);
  if (kept.size() > kKept)
    kept.pop_back();
  return made;
}

std::shared_ptr<const Vocabulary> Grammars::readVocabulary() {
  std::lock_guard lock(reading);
  if (!vocabulary)
    vocabulary = std::make_shared<const Vocabulary>(tokenizer);
  return vocabulary;
}

std::shared_ptr<CompiledGrammar> Grammars::find(const GrammarSource &source) {
  std::lock_guard lock(mutex);
  std::erase_if(kept, [](const auto &each) { return each.second->isWorn(); });
  const auto known = std::ranges::find(
      kept, source, [](const auto &each) -> const auto & { return each.first; });
  if (known == kept.end())
    return nullptr;
  std::rotate(kept.begin(), known, known + 1);
  return kept.front().second;
}

} // namespace strata::grammar
