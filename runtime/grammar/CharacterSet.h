//===- CharacterSet.h - sets of Unicode characters --------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace strata::grammar {

inline constexpr char32_t kLastCharacter = 0x10FFFF;

/// Characters, both ends included.
struct CharacterRange {
  char32_t first, last;
  bool operator==(const CharacterRange &) const = default;
};

/// A set of Unicode's characters; surrogates are none.
class CharacterSet {
public:
  CharacterSet() = default;
  /// In any order, overlapping or not; what is no character is left out.
  explicit CharacterSet(std::vector<CharacterRange> ranges);
  CharacterSet(std::initializer_list<CharacterRange> ranges)
      : CharacterSet(std::vector<CharacterRange>(ranges)) {}
  static CharacterSet all() { return {{0, kLastCharacter}}; }

  CharacterSet complement() const;
  CharacterSet intersection(const CharacterSet &other) const;
  CharacterSet without(const CharacterSet &other) const { return intersection(other.complement()); }

  /// Sorted, apart from each other.
  const std::vector<CharacterRange> &ranges() const { return sorted; }
  bool empty() const { return sorted.empty(); }
  uint64_t size() const;
  bool contains(char32_t character) const { return intersects(character, character); }
  /// Whether one of these characters is in the set.
  bool intersects(char32_t first, char32_t last) const;
  bool operator==(const CharacterSet &) const = default;

private:
  std::vector<CharacterRange> sorted;
};

struct ByteRange {
  uint8_t first, last;
};

/// The UTF-8 of a set of characters: each is a run of ranges of bytes, 1 to 4 of them; together
/// they are the characters of the set, each once.
std::vector<std::vector<ByteRange>> utf8Of(const CharacterSet &set);

} // namespace strata::grammar
