//===- CharacterSet.cpp - sets of Unicode characters ----------------------===//

#include "runtime/grammar/CharacterSet.h"

#include "runtime/base/Utf8.h"

#include <algorithm>
#include <string>

namespace strata::grammar {
namespace {

constexpr CharacterRange kSurrogates = {0xD800, 0xDFFF};

/// The runs of characters of the same number of bytes whose last `free` bytes are anything, as few
/// as there are.
void appendRuns(char32_t first, char32_t last, std::vector<std::vector<ByteRange>> &runs) {
  for (const char32_t most : {0x7Fu, 0x7FFu, 0xFFFFu})
    if (first <= most && last > most) {
      appendRuns(first, most, runs);
      return appendRuns(most + 1, last, runs);
    }
  for (int bits = 6; bits <= 18 && last > 0x7F; bits += 6) {
    const char32_t low = (char32_t(1) << bits) - 1; // of the bytes behind
    if ((first & ~low) == (last & ~low))
      break;
    if ((first & low) != 0) {
      appendRuns(first, first | low, runs);
      return appendRuns((first | low) + 1, last, runs);
    }
    if ((last & low) != low) {
      appendRuns(first, (last & ~low) - 1, runs);
      return appendRuns(last & ~low, last, runs);
    }
  }
  std::string from, to;
  appendCharacter(first, from);
  appendCharacter(last, to);
  std::vector<ByteRange> &run = runs.emplace_back();
  for (size_t i = 0; i < from.size(); ++i)
    run.push_back({uint8_t(from[i]), uint8_t(to[i])});
}

} // namespace

CharacterSet::CharacterSet(std::vector<CharacterRange> ranges) {
  std::vector<CharacterRange> valid;
  for (const auto &[first, last] : ranges) {
    if (first < kSurrogates.first)
      valid.push_back({first, std::min(last, char32_t(kSurrogates.first - 1))});
    if (last > kSurrogates.last)
      valid.push_back(
          {std::max(first, char32_t(kSurrogates.last + 1)), std::min(last, kLastCharacter)});
  }
  std::erase_if(valid, [](const CharacterRange &range) { return range.first > range.last; });
  std::ranges::sort(valid, {}, &CharacterRange::first);
  for (const CharacterRange &range : valid) {
    if (!sorted.empty() && range.first <= sorted.back().last + 1)
      sorted.back().last = std::max(sorted.back().last, range.last);
    else
      sorted.push_back(range);
  }
}

CharacterSet CharacterSet::complement() const {
  std::vector<CharacterRange> rest;
  char32_t next = 0;
  for (const auto &[first, last] : sorted) {
    if (first > next)
      rest.push_back({next, first - 1});
    next = last + 1;
  }
  if (next <= kLastCharacter)
    rest.push_back({next, kLastCharacter});
  return CharacterSet(std::move(rest));
}

CharacterSet CharacterSet::intersection(const CharacterSet &other) const {
  std::vector<CharacterRange> common;
  for (size_t i = 0, j = 0; i < sorted.size() && j < other.sorted.size();) {
    const CharacterRange &a = sorted[i], &b = other.sorted[j];
    if (std::max(a.first, b.first) <= std::min(a.last, b.last))
      common.push_back({std::max(a.first, b.first), std::min(a.last, b.last)});
    a.last < b.last ? ++i : ++j;
  }
  return CharacterSet(std::move(common));
}

uint64_t CharacterSet::size() const {
  uint64_t sum = 0;
  for (const auto &[first, last] : sorted)
    sum += last - first + 1;
  return sum;
}

bool CharacterSet::intersects(char32_t first, char32_t last) const {
  const auto range = std::ranges::lower_bound(sorted, first, {}, &CharacterRange::last);
  return range != sorted.end() && range->first <= last;
}

std::vector<std::vector<ByteRange>> utf8Of(const CharacterSet &set) {
  std::vector<std::vector<ByteRange>> runs;
  for (const auto &[first, last] : set.ranges())
    appendRuns(first, last, runs);
  return runs;
}

} // namespace strata::grammar
