//===- Grammar.h - what a text may be ---------------------------*- C++ -*-===//
//
// The one form that GBNF, regular expressions, JSON and its schemas are read into: rules, each an
// expression of characters, sequences, choices, repetitions and calls of rules. A text belongs to a
// grammar if it is, from beginning to end, what the first rule says.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/grammar/CharacterSet.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::grammar {

using Expression = uint32_t; // a number of Grammar's; may stand in several others
using Rule = uint32_t;

/// How often something stands, one behind the other.
struct Repetition {
  uint32_t least = 0;
  std::optional<uint32_t> most = {}; // none: any number

  bool operator==(const Repetition &) const = default;
};

inline constexpr uint32_t kMostRepetitions = 65536; // that may be asked for

class Grammar {
public:
  /// What an expression is made of.
  struct Term {
    enum class Kind : uint8_t { bytes, characters, sequence, choice, repetition, call } kind;
    std::string text = {};              // bytes
    CharacterSet set = {};              // characters: one of them
    std::vector<Expression> parts = {}; // sequence, choice: any number; repetition: one
    Repetition times = {};              // repetition
    Rule rule = 0;                      // call
  };

  Grammar();

  Expression bytes(std::string_view text);
  Expression characters(CharacterSet set);
  Expression sequence(std::vector<Expression> parts);
  /// Of no parts: nothing matches.
  Expression choice(std::vector<Expression> parts);
  Expression repeat(Expression part, Repetition times);
  Expression optional(Expression part) { return repeat(part, {0, 1}); }
  Expression call(Rule rule);
  Expression empty() const { return kEmpty; }
  Expression never() const { return kNever; }

  /// The first one is what a text must be. Until it is defined nothing matches it.
  Rule addRule(std::string name);
  void define(Rule rule, Expression content) { contents[rule] = content; }

  const Term &term(Expression expression) const { return terms[expression]; }
  std::span<const Expression> rules() const { return contents; }
  const std::string &name(Rule rule) const { return names[rule]; }

private:
  static constexpr Expression kEmpty = 0, kNever = 1;
  Expression add(Term term);

  std::vector<Term> terms;
  std::vector<Expression> contents; // of each rule
  std::vector<std::string> names;
};

} // namespace strata::grammar
