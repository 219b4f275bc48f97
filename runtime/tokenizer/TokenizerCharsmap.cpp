//===- TokenizerCharsmap.cpp - SentencePiece's normalization rules --------===//
//
// The trie is a double array of Darts-clone. From unit u, byte c leads to the unit at base(u) ^ c,
// which is a child if its label is c; if u has a leaf, the unit at base(u) holds the value. A
// sound trie has these properties, which SentencePiece takes for granted:
//
//   1. base(u) ^ c lies inside for every reachable u and every byte c;
//   2. no input matches more than 32 rules (the size of an array on SentencePiece's stack), so
//      no path has more than 32 leaves and no path comes back to where it was;
//   3. every value is the offset of a string that ends inside the blob.
//
//===----------------------------------------------------------------------===//
#include "runtime/tokenizer/TokenizerCharsmap.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace strata {
namespace {

constexpr size_t kMaxTrieBytes = 4 << 20; // SentencePiece's own largest has 0.3 MB
constexpr size_t kMaxReplacement = 1024;  // NFKC needs 33
constexpr unsigned kMaxMatches = 32;      // Normalizer::kMaxTrieResultsSize

/// A unit of the double array, as darts.h lays out its bits.
class Unit {
public:
  explicit Unit(uint32_t bits) : bits(bits) {}
  bool hasLeaf() const { return bits >> 8 & 1; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  bool isValue() const { return bits >> 31; }
  uint8_t label() const { return bits & 0xFF; }
  uint32_t offset() const { return (bits >> 10) << ((bits & 1 << 9) >> 6); }

private:
  uint32_t bits;
};

/// Walks every path of a trie, each unit once.
class TrieChecker {
public:
  TrieChecker(std::string_view trie, std::string_view replacements);

  absl::Status check();
  /// Once checked.
  CharsmapFacts facts() const { return {spacesAreAlone}; }

private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // What `matches` holds besides the number of leaves on the longest path down from a unit.
  static constexpr uint8_t kUnseen = 0xFF, kOnPath = 0xFE;
  struct Step {
    uint32_t unit;
    uint32_t child; // the next to visit
  };

  Unit unitAt(uint32_t index) const {
    uint32_t bits;
    std::memcpy(&bits, trie.data() + 4 * size_t(index), 4);
    return Unit(bits);
  }
  uint32_t baseOf(uint32_t index) const { return index ^ unitAt(index).offset(); }
  absl::Status enter(uint32_t index);
  void noteSpace(uint32_t index);
  absl::Status leave(uint32_t index);
  absl::Status advance();

  std::string_view trie, replacements;
  std::vector<uint8_t> matches;
  std::vector<uint32_t> firstChild;  // by base; children of one base share a list
  std::vector<uint32_t> nextSibling; // by unit
  std::vector<Step> path; // from the root down: recursion could be as deep as the trie is large
  bool spacesAreAlone = true;
};

} // namespace

static absl::Status broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("precompiled_charsmap: ", what));
}

TrieChecker::TrieChecker(std::string_view trie, std::string_view replacements)
    : trie(trie), replacements(replacements), matches(trie.size() / 4, kUnseen),
      firstChild(matches.size(), kNone), nextSibling(matches.size(), kNone) {
  for (uint32_t index = 0; index < matches.size(); ++index) {
    const Unit unit = unitAt(index);
    const uint32_t base = index ^ unit.label();
    if (unit.isValue() || base >= matches.size())
      continue;
    nextSibling[index] = firstChild[base];
    firstChild[base] = index;
  }
}

/// Properties 1 and 3 for one unit.
absl::Status TrieChecker::enter(uint32_t index) {
  const uint32_t base = baseOf(index);
  if ((base | 0xFF) >= matches.size())
    return broken(absl::StrCat("unit ", index, " of the trie leads to unit ", base | 0xFF, ", of ",
                               matches.size()));
  if (unitAt(index).hasLeaf()) {
    const uint32_t value = unitAt(base).value();
    if (value >= replacements.size())
      return broken(absl::StrCat("unit ", index, " of the trie has the replacement at ", value,
                                 ", of ", replacements.size(), " bytes"));
    if (replacements.substr(value, kMaxReplacement + 1).find('\0') == std::string_view::npos)
      return broken(absl::StrCat("the replacement at ", value, " does not end within ",
                                 kMaxReplacement, " bytes"));
  }
  noteSpace(index);
  matches[index] = kOnPath;
  path.push_back({index, firstChild[base]});
  return absl::OkStatus();
}

/// Looks for a space below a unit that is not the root, and for something below a space.
void TrieChecker::noteSpace(uint32_t index) {
  for (uint32_t child = firstChild[baseOf(index)]; child != kNone; child = nextSibling[child])
    if (unitAt(child).label() == ' ')
      spacesAreAlone &= index == 0 && firstChild[baseOf(child)] == kNone;
}

/// Property 2 for a unit whose children are done.
absl::Status TrieChecker::leave(uint32_t index) {
  unsigned most = 0;
  for (uint32_t child = firstChild[baseOf(index)]; child != kNone; child = nextSibling[child])
    most = std::max<unsigned>(most, matches[child]);
  most += unitAt(index).hasLeaf();
  if (most > kMaxMatches)
    return broken(absl::StrCat("more than ", kMaxMatches, " rules match the same text"));
  matches[index] = static_cast<uint8_t>(most);
  path.pop_back();
  return absl::OkStatus();
}

/// Goes down to the next child of the last unit on the path, or back up.
absl::Status TrieChecker::advance() {
  Step &step = path.back();
  if (step.child == kNone)
    return leave(step.unit);
  const uint32_t child = step.child;
  step.child = nextSibling[child];
  if (matches[child] == kOnPath)
    return broken(absl::StrCat("unit ", child, " of the trie leads back to itself"));
  return matches[child] == kUnseen ? enter(child) : absl::OkStatus();
}

absl::Status TrieChecker::check() {
  STRATA_TRY(enter(0));
  while (!path.empty())
    STRATA_TRY(advance());
  return absl::OkStatus();
}

absl::StatusOr<CharsmapFacts> checkCharsmap(std::string_view charsmap) {
  uint32_t trieSize;
  if (charsmap.size() < sizeof(trieSize))
    return broken(absl::StrCat("has ", charsmap.size(), " bytes, expected at least 4"));
  std::memcpy(&trieSize, charsmap.data(), sizeof(trieSize));
  charsmap.remove_prefix(sizeof(trieSize));
  if (trieSize > charsmap.size())
    return broken(
        absl::StrCat("trie of ", trieSize, " bytes where only ", charsmap.size(), " are left"));
  if (trieSize == 0 || trieSize % 4 != 0 || trieSize > kMaxTrieBytes)
    return broken(absl::StrCat("trie of ", trieSize, " bytes, expected a multiple of 4 up to ",
                               kMaxTrieBytes));
  TrieChecker checker(charsmap.substr(0, trieSize), charsmap.substr(trieSize));
  STRATA_TRY(checker.check());
  return checker.facts();
}

} // namespace strata
