//===- KvCache.h - pages of keys and values ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Which of a device's equal pages are free; each is for all layers of a number of tokens. Whoever
/// takes or shares a page gives it back; a page that is shared is not written any more. Not
/// thread-safe.
class KvCache {
public:
  /// `pages` is at most INT32_MAX.
  explicit KvCache(uint32_t pages);

  uint32_t pages() const { return total; }
  uint32_t freePages() const { return uint32_t(free.size()); }

  /// Appends `count` free pages to `pages`; all or, if there are not as many, none.
  absl::Status take(uint32_t count, std::vector<int32_t> &pages);
  /// One more user of each of them, which have some.
  void share(std::span<const int32_t> pages);
  /// How many use the page; 0: it is free.
  uint32_t users(int32_t page) const { return counts[size_t(page)]; }
  /// One user less; a page without any is free. Leaves `pages` empty.
  void giveBack(std::vector<int32_t> &pages);

private:
  uint32_t total;
  std::vector<int32_t> free;    // the last is taken next
  std::vector<uint32_t> counts; // users of each page
};

} // namespace strata
