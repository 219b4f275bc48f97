//===- JsonRules.h - JSON's values as expressions ---------------*- C++ -*-===//
//
// How JSON is written here, of everything that may be written: whitespace only behind { [ , : and
// before } ], and there none, one space, or the end of a line and up to 20 spaces or tabs. Numbers
// have up to 18 digits before the point, 17 behind it and 2 in the exponent, so that every reader
// can take them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/grammar/Grammar.h"
#include "runtime/grammar/JsonTree.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::grammar {

/// An end of a range of numbers.
struct NumberBound {
  double value;
  bool isExcluded;
};

struct NumberBounds {
  std::optional<NumberBound> least = {}, most = {};
};

/// Expressions of one grammar.
class JsonRules {
public:
  explicit JsonRules(Grammar &grammar);

  /// Any value, and any of a kind. Each is a call of a rule that is added when it is first wanted.
  Expression value();
  Expression object();
  Expression array();
  Expression string();
  Expression number();
  Expression integer();

  Expression space() const { return gap; }
  Expression boolean();
  Expression string(Repetition length);
  /// This text, a character that need not be escaped as it is.
  Expression string(std::string_view text);
  /// Any text but these, characters that need not be escaped as they are.
  Expression stringBut(std::span<const std::string> texts);
  /// This value.
  Expression constant(const JsonTree &value);
  Expression integer(const NumberBounds &bounds);
  /// Without an exponent. INVALID_ARGUMENT where two bounds that are not 0 have the same whole
  /// part.
  absl::StatusOr<Expression> number(const NumberBounds &bounds);
  /// `open` parts `close`, with commas and gaps; the parts are `least` to `most` times `part`.
  Expression list(std::string_view open, Expression part, Repetition times, std::string_view close);
  Expression member(Expression name, Expression content);

  /// One of a set, as it is if that may be.
  static Expression character(Grammar &grammar, const CharacterSet &set);

private:
  Expression rule(const char *name, Expression (JsonRules::*make)());
  Expression anyValue();
  Expression anyObject();
  Expression anyArray();
  Expression anyString();
  Expression anyNumber();
  Expression anyInteger();
  Expression characterOfString();
  Expression digits(uint32_t least, uint32_t most);
  Expression oneOf(std::initializer_list<CharacterRange> ranges) {
    return grammar.characters(CharacterSet(ranges));
  }

  Grammar &grammar;
  const Expression gap;
  std::map<std::string, Rule> rules;
};

/// A grammar of all objects.
Grammar jsonObjects();

} // namespace strata::grammar
