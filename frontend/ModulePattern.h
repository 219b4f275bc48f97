//===- ModulePattern.h - which modules a text names -------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Automaton.h"

#include <memory>
#include <string>
#include <string_view>

namespace strata {

/// A target of compressed-tensors: the name of a module, of a class, or, behind "re:", a regular
/// expression of Python that a module's name begins with.
class ModulePattern {
public:
  /// INVALID_ARGUMENT says what of a regular expression is not supported, or wrong.
  static absl::StatusOr<ModulePattern> parse(std::string_view text);

  /// How well it fits a linear module; the better decides.
  enum class Match { none, className, expression, name };
  Match match(std::string_view linear) const;

  const std::string &text() const { return written; }

private:
  explicit ModulePattern(std::string_view text) : written(text) {}

  std::string written;
  std::shared_ptr<const grammar::Automaton> automaton; // null: no regular expression
};

} // namespace strata
