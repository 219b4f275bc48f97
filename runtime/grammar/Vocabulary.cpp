//===- Vocabulary.cpp - the tokens of a model as a trie -------------------===//

#include "runtime/grammar/Vocabulary.h"

#include <algorithm>
#include <limits>
#include <string>

namespace strata::grammar {
namespace {

constexpr size_t kMostRuns = 32; // that are kept

bool isContinuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

uint32_t charactersOf(std::string_view text) {
  return uint32_t(std::ranges::count_if(text, [](char c) { return !isContinuation(uint8_t(c)); }));
}

/// A character of which some bytes are known.
struct Partial {
  char32_t bits;     // of the known bytes
  int missing;       // bytes
  char32_t smallest; // that has as many bytes

  static Partial begin(uint8_t lead) {
    if (lead < 0x80)
      return {lead, 0, 0};
    if (lead < 0xE0)
      return {char32_t(lead & 0x1F), 1, 0x80};
    if (lead > 0xF4) // no character begins so
      return {kLastCharacter + 1, 0, 0};
    return lead < 0xF0 ? Partial{char32_t(lead & 0x0F), 2, 0x800}
                       : Partial{char32_t(lead & 0x07), 3, 0x10000};
  }
  Partial then(uint8_t byte) const { return {bits << 6 | (byte & 0x3Fu), missing - 1, smallest}; }
  /// Whether it may be one of the set.
  bool mayBeIn(const CharacterSet &set) const {
    const char32_t first = bits << (6 * missing);
    const char32_t last = first | ((char32_t(1) << (6 * missing)) - 1);
    return last >= smallest && set.intersects(std::max(first, smallest), last);
  }
};

} // namespace

void TokenSet::add(const TokenSet &other) {
  for (size_t i = 0; i < bits.size(); ++i)
    bits[i] |= other.bits[i];
}

void TokenSet::addCommon(const TokenSet &a, const TokenSet &b) {
  for (size_t i = 0; i < bits.size(); ++i)
    bits[i] |= a.bits[i] & b.bits[i];
}

bool TokenSet::contains(int32_t token) const {
  return token >= 0 && size_t(token) / 64 < bits.size() &&
         (bits[size_t(token) / 64] >> (token % 64) & 1);
}

bool TokenSet::empty() const {
  return std::ranges::all_of(bits, [](uint64_t word) { return word == 0; });
}

void TokenSet::set(int32_t token, bool isIn) {
  const size_t word = size_t(token) / 64;
  const uint64_t bit = uint64_t(1) << (token % 64);
  bits.resize(std::max(bits.size(), word + 1));
  bits[word] = isIn ? bits[word] | bit : bits[word] & ~bit;
}

Vocabulary::Vocabulary(const Tokenizer &tokenizer) : texts(size_t(tokenizer.vocabularySize())) {
  for (int32_t token = 0; token < tokenizer.vocabularySize(); ++token) {
    if (!tokenizer.isControl(token) && token != tokenizer.unkId())
      texts[size_t(token)] = tokenizer.pieceBytes(token);
    if (texts[size_t(token)].size() > std::numeric_limits<uint16_t>::max())
      texts[size_t(token)].clear(); // no text needs it
    if (!texts[size_t(token)].empty())
      order.push_back(token);
    longest = std::max(longest, charactersOf(texts[size_t(token)]));
  }
  std::ranges::sort(order, {}, [&](int32_t token) {
    return std::pair(std::string_view(texts[size_t(token)]), token);
  });
  buildTrie();
  bounded.resize(longest + 1);
}

/// The texts are sorted: a node is open as long as they begin with it.
void Vocabulary::buildTrie() {
  trie.push_back({0, 0, 0, 0});
  std::vector<uint32_t> path = {0}; // from the root, by depth
  std::string_view last;
  const auto closeTo = [&](size_t depth) {
    for (; path.size() > depth + 1; path.pop_back())
      trie[path.back()].end = uint32_t(trie.size());
  };
  for (size_t i = 0; i < order.size(); ++i) {
    const std::string_view text = texts[size_t(order[i])];
    const size_t common = size_t(std::ranges::mismatch(text, last).in1 - text.begin());
    closeTo(common);
    for (size_t depth = common; depth < text.size(); ++depth) {
      path.push_back(uint32_t(trie.size()));
      trie.push_back({0, uint32_t(i), uint16_t(depth + 1), uint8_t(text[depth])});
    }
    deepest = std::max(deepest, uint16_t(text.size()));
    last = text;
  }
  closeTo(0);
  trie[0].end = uint32_t(trie.size());
}

std::shared_ptr<const Vocabulary::Run> Vocabulary::runOf(const CharacterSet &set) const {
  std::lock_guard lock(mutex);
  for (const auto &[known, run] : runs)
    if (known == set)
      return run;
  if (runs.size() == kMostRuns)
    runs.erase(runs.begin());
  runs.emplace_back(set, findRun(set));
  return runs.back().second;
}

std::shared_ptr<const Vocabulary::Run> Vocabulary::findRun(const CharacterSet &set) const {
  auto run = std::make_shared<Run>();
  run->tokens = TokenSet(size());
  struct At {
    Partial character;
    uint32_t begun; // characters
    uint32_t lead;  // the node where the last one begins
  };
  std::vector<At> path(size_t(deepest) + 1, At{{0, 0, 0}, 0, 0}); // by depth
  for (uint32_t node = 1; node < trie.size();) {
    const Node &info = trie[node];
    const At &before = path[info.depth - 1u];
    At &at = path[info.depth];
    if (before.character.missing > 0 && isContinuation(info.byte))
      at = {before.character.then(info.byte), before.begun, before.lead};
    else // what is no beginning of a character is none of the set
      at = {Partial::begin(info.byte), before.begun + 1, node};
    const bool isCut = (before.character.missing > 0) != isContinuation(info.byte);
    if (!isCut && at.character.mayBeIn(set)) {
      for (int32_t token : tokensAt(node))
        run->tokens.add(token);
      ++node;
      continue;
    }
    auto &exits = run->exits[trie[at.lead].byte];
    const std::pair exit(at.lead, at.begun - 1);
    if (before.character.missing == 0 || !isCut)
      if (exits.empty() || exits.back() != exit)
        exits.push_back(exit);
    node = info.end;
  }
  return run;
}

std::shared_ptr<const TokenSet> Vocabulary::ofCharacters(uint32_t count) const {
  std::lock_guard lock(mutex);
  std::shared_ptr<const TokenSet> &known = bounded[std::min(count, longest)];
  if (known)
    return known;
  auto made = std::make_shared<TokenSet>(size());
  for (int32_t token : order)
    if (charactersOf(texts[size_t(token)]) <= count)
      made->add(token);
  return known = made;
}

} // namespace strata::grammar
