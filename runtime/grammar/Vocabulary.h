//===- Vocabulary.h - the tokens of a model as a trie -----------*- C++ -*-===//
#pragma once

#include "runtime/grammar/CharacterSet.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace strata::grammar {

/// A set of tokens: a bit of each.
class TokenSet {
public:
  TokenSet() = default;
  explicit TokenSet(size_t tokens) : bits((tokens + 63) / 64) {}

  void add(int32_t token) { bits[size_t(token) / 64] |= uint64_t(1) << (token % 64); }
  void add(const TokenSet &other);
  /// Those that are in both.
  void addCommon(const TokenSet &a, const TokenSet &b);
  bool contains(int32_t token) const;
  bool empty() const;
  /// Adds a token or takes it away, whatever its number.
  void set(int32_t token, bool isIn);
  /// Bit i % 64 of word i / 64 is token i's.
  std::span<const uint64_t> words() const { return bits; }

private:
  std::vector<uint64_t> bits;
};

/// The texts of a tokenizer's tokens, as they are in the middle of a text, in a trie. Control
/// pieces, the unknown one and such without text are in none. All functions may be called from
/// several threads.
class Vocabulary {
public:
  explicit Vocabulary(const Tokenizer &tokenizer);

  /// A node of the trie. Nodes are numbered as they are met depth first, the root is 0: what is
  /// below node n are those from n + 1 to before `end`, and the first child, if there is one, is
  /// n + 1.
  struct Node {
    uint32_t end;
    uint32_t tokens; // the first of its own in tokens(); they end where the next node's begin
    uint16_t depth;  // bytes from the root
    uint8_t byte;    // the last of them
  };
  std::span<const Node> nodes() const { return trie; }
  /// Tokens that end in the node.
  std::span<const int32_t> tokensAt(uint32_t node) const {
    const size_t begin = trie[node].tokens;
    const size_t end = node + 1 < trie.size() ? trie[node + 1].tokens : order.size();
    return std::span(order).subspan(begin, end - begin);
  }
  uint16_t depth() const { return deepest; }

  /// The number of tokens, those without text included.
  size_t size() const { return texts.size(); }
  const std::string &text(int32_t token) const { return texts[size_t(token)]; }

  /// What a run of characters of a set may be made of.
  struct Run {
    TokenSet tokens; // whose characters, the last of them perhaps not whole, are in the set
    /// Where a character begins that is not in the set, behind some that are: the node of its first
    /// byte and how many they are. By that byte.
    std::vector<std::pair<uint32_t, uint32_t>> exits[256];
  };
  std::shared_ptr<const Run> runOf(const CharacterSet &set) const;

  /// Tokens of at most `count` characters, a last one that is not whole included.
  std::shared_ptr<const TokenSet> ofCharacters(uint32_t count) const;
  /// The most characters of a token.
  uint32_t mostCharacters() const { return longest; }

private:
  void buildTrie();
  std::shared_ptr<const Run> findRun(const CharacterSet &set) const;

  std::vector<std::string> texts; // of each token
  std::vector<Node> trie;
  std::vector<int32_t> order;
  uint16_t deepest = 0;
  uint32_t longest = 0;

  mutable std::mutex mutex;                                                      // of what follows
  mutable std::vector<std::pair<CharacterSet, std::shared_ptr<const Run>>> runs; // the newest last
  mutable std::vector<std::shared_ptr<const TokenSet>> bounded;                  // by characters
};

} // namespace strata::grammar
