//===- StopTexts.h - strings that end a text --------------------*- C++ -*-===//
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::serving {

/// Looks for strings in a text that comes piece by piece, and holds back what one of them may begin
/// with.
class StopTexts {
public:
  /// None of them is empty.
  explicit StopTexts(std::vector<std::string> texts) : texts(std::move(texts)) {}

  /// Takes the next piece and returns what is certain to stand before any of the strings: after
  /// found() the rest of it.
  std::string push(std::string_view piece);
  /// Ends the text: returns what was held back, unless found().
  std::string flush();
  /// Whether one of the strings has come. Of several the one that is complete first counts.
  bool found() const { return stopped; }

private:
  size_t heldBack() const;

  std::vector<std::string> texts;
  std::string held;
  bool stopped = false;
};

} // namespace strata::serving
