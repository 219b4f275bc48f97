//===- Parser.h - what grammars are read with -------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/grammar/Grammar.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::grammar {

inline constexpr size_t kMostGrammarBytes = 256 << 10;
inline constexpr int kMostGrammarDepth = 64; // of groups

/// The characters of a text, read one after the other.
class Parser {
public:
  /// INVALID_ARGUMENT if the text is too long or no UTF-8.
  static absl::Status check(std::string_view text);

  /// `text` has been checked and outlives the parser.
  explicit Parser(std::string_view text) : text(text) {}

  bool atEnd() const { return at == text.size(); }
  /// The next character; 0 at the end.
  char32_t peek() const;
  bool startsWith(std::string_view what) const { return text.substr(at).starts_with(what); }
  char32_t take();
  /// Takes `what` if it is next.
  bool take(std::string_view what);
  /// Takes characters as long as they are among these.
  std::string_view takeAll(bool (*isWanted)(char32_t));
  /// So many hexadecimal digits.
  absl::StatusOr<char32_t> takeHex(int digits);
  /// A whole number up to kMostRepetitions.
  absl::StatusOr<uint32_t> takeNumber();
  /// "m}", "m,}" or "m,n}".
  absl::StatusOr<Repetition> takeTimes();
  /// "*", "+", "?" or "{" and times; none: something else is next.
  absl::StatusOr<std::optional<Repetition>> takeRepetition();

  size_t offset() const { return at; }
  /// INVALID_ARGUMENT `line L, column C: MESSAGE`.
  absl::Status error(std::string_view message) const;
  /// `line L, column C: expected EXPECTED, found …`.
  absl::Status mismatch(std::string_view expected) const;

private:
  std::string_view text;
  size_t at = 0;
};

} // namespace strata::grammar
