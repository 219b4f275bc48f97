//===- PrefixCache.h - pages of texts that were seen before -----*- C++ -*-===//
//
// A full page of the KV cache depends on its tokens and those before, and on nothing else: so a
// text that begins like another can have the other's pages (Kwon et al., arXiv 2309.06180).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/engine/KvCache.h"

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

namespace strata {

/// Which tokens full pages are of. Holds each page that it knows, beside those who use it; what
/// nobody uses is given up when pages are wanted, the longest unused first. Not thread-safe.
class PrefixCache {
public:
  /// Pages have `pageTokens` tokens. `pages` must outlive it.
  PrefixCache(KvCache &pages, int64_t pageTokens) : pages(pages), pageTokens(pageTokens) {}

  /// The pages of the longest beginning of `tokens` that is known, in order; each is shared, to be
  /// given back by who asked.
  std::vector<int32_t> share(std::span<const int32_t> tokens);
  /// Enters the full pages of a text: the i-th of `held` has the i-th pageTokens tokens.
  void remember(std::span<const int32_t> tokens, std::span<const int32_t> held);

  /// Pages that nobody else uses.
  uint32_t unused() const;
  /// Gives up so many of them, or all if there are not as many.
  void giveUp(uint32_t count);

private:
  using Id = uint64_t; // of an entry, never used again; 0: the beginning of texts

  struct Entry {
    Id id, parent; // of the page before
    std::vector<int32_t> tokens;
    int32_t page;
    uint64_t lastUse;
  };

  static uint64_t hash(Id parent, std::span<const int32_t> tokens);
  Entry *find(Id parent, std::span<const int32_t> tokens);
  Entry *enter(Id parent, std::span<const int32_t> tokens, int32_t page);
  void touch(std::span<Entry *const> chain);
  void drop(uint64_t key);

  KvCache &pages;
  const int64_t pageTokens;
  std::unordered_map<uint64_t, Entry> entries;  // by hash; of two that have the same, the first
  std::map<uint64_t, uint64_t> byUse;           // lastUse, hash
  std::unordered_map<int32_t, uint64_t> byPage; // page, hash
  Id lastId = 0;
  uint64_t clock = 0;
};

} // namespace strata
