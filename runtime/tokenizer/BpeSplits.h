//===- BpeSplits.h - where a rule cuts a text --------------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Bpe_generated.h"

#include <string_view>
#include <vector>

namespace strata {

/// A part of a text that is split. Of a long one there are many: they are kept small.
struct Range {
  Range(size_t begin, size_t end, bool isMatch)
      : begin(uint32_t(begin)), end(uint32_t(end)), isMatch(isMatch) {}

  uint32_t begin, end; // bytes
  bool isMatch;
};

/// The words that a rule makes of `text`, well-formed UTF-8: in order, none empty.
std::vector<Range> findWords(const bpe::Split &rule, std::string_view text);

} // namespace strata
