//===- PrefixCache.cpp - pages of texts that were seen before -------------===//

#include "runtime/engine/PrefixCache.h"

#include <algorithm>

namespace strata {

/// Two that are the same by chance are told apart by their tokens.
uint64_t PrefixCache::hash(Id parent, std::span<const int32_t> tokens) {
  uint64_t value = parent;
  for (int32_t token : tokens) {
    value = (value ^ uint64_t(uint32_t(token))) * 0x9e3779b97f4a7c15u;
    value ^= value >> 29;
  }
  return value;
}

PrefixCache::Entry *PrefixCache::find(Id parent, std::span<const int32_t> tokens) {
  const auto found = entries.find(hash(parent, tokens));
  if (found == entries.end())
    return nullptr;
  Entry &entry = found->second;
  return entry.parent == parent && std::ranges::equal(entry.tokens, tokens) ? &entry : nullptr;
}

/// The beginning of a text is given up after what follows it, which is of no use alone.
void PrefixCache::touch(std::span<Entry *const> chain) {
  for (size_t i = chain.size(); i-- > 0;) {
    auto use = byUse.extract(chain[i]->lastUse);
    chain[i]->lastUse = ++clock;
    use.key() = clock;
    byUse.insert(std::move(use));
  }
}

std::vector<int32_t> PrefixCache::share(std::span<const int32_t> tokens) {
  std::vector<Entry *> chain;
  std::vector<int32_t> shared;
  for (Id parent = 0; int64_t(tokens.size()) >= pageTokens;
       tokens = tokens.subspan(size_t(pageTokens))) {
    Entry *entry = find(parent, tokens.first(size_t(pageTokens)));
    if (!entry)
      break;
    chain.push_back(entry);
    shared.push_back(entry->page);
    parent = entry->id;
  }
  touch(chain);
  pages.share(shared);
  return shared;
}

void PrefixCache::remember(std::span<const int32_t> tokens, std::span<const int32_t> held) {
  std::vector<Entry *> chain;
  Id parent = 0;
  for (size_t i = 0; i < held.size() && (i + 1) * size_t(pageTokens) <= tokens.size(); ++i) {
    const auto own = tokens.subspan(i * size_t(pageTokens), size_t(pageTokens));
    Entry *entry = find(parent, own);
    if (!entry)
      entry = enter(parent, own, held[i]);
    if (!entry)
      break;
    chain.push_back(entry);
    parent = entry->id;
  }
  touch(chain);
}

/// Null if another page has the hash.
PrefixCache::Entry *PrefixCache::enter(Id parent, std::span<const int32_t> tokens, int32_t page) {
  const uint64_t key = hash(parent, tokens);
  if (entries.contains(key))
    return nullptr;
  // Known already, but behind a beginning that was given up and has come again.
  if (const auto before = byPage.find(page); before != byPage.end())
    drop(before->second);
  pages.share({&page, 1});
  byUse.emplace(++clock, key);
  byPage.emplace(page, key);
  Entry entry{++lastId, parent, {tokens.begin(), tokens.end()}, page, clock};
  return &entries.emplace(key, std::move(entry)).first->second;
}

void PrefixCache::drop(uint64_t key) {
  const auto entry = entries.find(key);
  std::vector<int32_t> page{entry->second.page};
  byUse.erase(entry->second.lastUse);
  byPage.erase(entry->second.page);
  entries.erase(entry);
  pages.giveBack(page);
}

uint32_t PrefixCache::unused() const {
  return uint32_t(std::ranges::count_if(
      entries, [&](const auto &entry) { return pages.users(entry.second.page) == 1; }));
}

void PrefixCache::giveUp(uint32_t count) {
  for (auto use = byUse.begin(); use != byUse.end() && count > 0;) {
    const uint64_t key = (use++)->second;
    if (pages.users(entries.at(key).page) > 1)
      continue;
    drop(key);
    --count;
  }
}

} // namespace strata
