//===- UnicodeRanges.h - characters in ranges, to be searched ---*- C++ -*-===//
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace strata {

/// [first, last].
struct CharacterRange {
  char32_t first, last;
};
/// Of which every `step`-th is a capital letter; `difference` makes it small.
struct CapitalRange {
  char32_t first, last;
  uint32_t step;
  int32_t difference;
};
struct ScriptRange {
  char32_t first, last;
  int script;
};

/// The range that has the character, of ascending ones; null if there is none.
template <typename Range, size_t count>
const Range *findRange(const Range (&ranges)[count], char32_t character) {
  const Range *range =
      std::lower_bound(std::begin(ranges), std::end(ranges), character,
                       [](const Range &range, char32_t value) { return range.last < value; });
  return range != std::end(ranges) && range->first <= character ? range : nullptr;
}

} // namespace strata
