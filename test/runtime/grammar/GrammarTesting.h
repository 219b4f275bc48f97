//===- GrammarTesting.h - texts against grammars ----------------*- C++ -*-===//
#pragma once

#include "runtime/base/MappedFile.h"
#include "runtime/grammar/CompiledGrammar.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::grammar {

/// The demonstration model's tokens: letters, words, all bytes.
inline std::shared_ptr<const Vocabulary> demoVocabulary() {
  static const auto vocabulary = [] {
    const std::string path = STRATA_DEMO_MODEL "/tokenizer.model";
    const auto tokenizer =
        SentencePieceTokenizer::load(readFile(path, 1 << 20).value(), "model").value();
    return std::make_shared<const Vocabulary>(tokenizer);
  }();
  return vocabulary;
}

inline std::shared_ptr<CompiledGrammar> compiled(const absl::StatusOr<Grammar> &grammar) {
  EXPECT_TRUE(grammar.ok()) << grammar.status();
  auto made = CompiledGrammar::create(*grammar, demoVocabulary());
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

/// Whether a text is one of the grammar's, from beginning to end.
inline bool matches(const std::shared_ptr<CompiledGrammar> &grammar, std::string_view text) {
  Matcher matcher(grammar);
  return matcher.push(text).ok() && matcher.mayEnd();
}

/// What a grammar is refused for, when it is read or compiled.
inline std::string refusal(const absl::StatusOr<Grammar> &grammar) {
  if (!grammar.ok())
    return std::string(grammar.status().message());
  return std::string(CompiledGrammar::create(*grammar, demoVocabulary()).status().message());
}

/// Whether a token has something that may end a value.
inline bool closes(int32_t token) {
  static const std::vector<bool> all = [] {
    std::vector<bool> each;
    for (int32_t id = 0; size_t(id) < demoVocabulary()->size(); ++id)
      each.push_back(demoVocabulary()->text(id).find_first_of("\"]},:") != std::string::npos);
    return each;
  }();
  return all[size_t(token)];
}

/// Writes tokens that may follow until the text ends, chosen so that it does.
inline std::string randomText(const std::shared_ptr<CompiledGrammar> &grammar,
                              std::mt19937_64 &random, size_t mostTokens,
                              void (*check)(CompiledGrammar &, CompiledGrammar::Place) = nullptr) {
  std::string text;
  CompiledGrammar::Place place = grammar->start();
  for (size_t count = 0; count < mostTokens; ++count) {
    if (check)
      check(*grammar, place);
    if (grammar->mayEnd(place) && (!grammar->mayGoOn(place) || random() % 4 == 0))
      return text;
    const auto allowed = grammar->tokensAfter(place).value();
    std::vector<int32_t> any, closing;
    for (int32_t token = 0; size_t(token) < demoVocabulary()->size(); ++token)
      if (allowed->contains(token)) {
        any.push_back(token);
        if (closes(token))
          closing.push_back(token);
      }
    if (any.empty()) {
      ADD_FAILURE() << "no token may follow " << text;
      return text;
    }
    const auto &from = !closing.empty() && random() % 8 < 3 ? closing : any;
    const std::string &piece = demoVocabulary()->text(from[random() % from.size()]);
    text += piece;
    place = grammar->after(place, piece).value();
  }
  return text;
}

} // namespace strata::grammar
