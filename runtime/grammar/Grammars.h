//===- Grammars.h - the grammars of a server's requests ---------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/CompiledGrammar.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace strata::grammar {

/// What a text is to be.
struct GrammarSource {
  enum class Kind {
    gbnf,
    regex,      // of the whole text
    jsonObject, // any; there is no text
    jsonSchema,
    choice // one of `choices`
  } kind;
  std::string text = {};
  std::vector<std::string> choices = {};

  bool operator==(const GrammarSource &) const = default;
};

absl::StatusOr<Grammar> parseGrammar(const GrammarSource &source);

/// Compiles grammars for a tokenizer and keeps the last ones: requests often have the same.
/// Functions may be called from any thread.
class Grammars {
public:
  /// The tokenizer outlives it. Its vocabulary is read when the first grammar is compiled.
  explicit Grammars(const Tokenizer &tokenizer) : tokenizer(tokenizer) {}

  /// INVALID_ARGUMENT: what is wrong with the source, or which limit it passes.
  absl::StatusOr<std::shared_ptr<CompiledGrammar>> compile(const GrammarSource &source);

private:
  static constexpr size_t kKept = 16;

  std::shared_ptr<const Vocabulary> readVocabulary();
  std::shared_ptr<CompiledGrammar> find(const GrammarSource &source);

  const Tokenizer &tokenizer;
  std::mutex reading; // of the vocabulary, by one thread
  std::shared_ptr<const Vocabulary> vocabulary;
  std::mutex mutex;                                                            // of what follows
  std::deque<std::pair<GrammarSource, std::shared_ptr<CompiledGrammar>>> kept; // the newest first
};

} // namespace strata::grammar
