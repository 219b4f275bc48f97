//===- KvCache.h - pages of keys and values ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <cstdint>
#include <vector>

namespace strata {

/// Which of a device's equal pages are free; each is for all layers of a number of tokens. Whoever
/// takes a page gives it back. Not thread-safe.
class KvCache {
public:
  /// `pages` is at most INT32_MAX.
  explicit KvCache(uint32_t pages);

  uint32_t pages() const { return total; }
  uint32_t freePages() const { return uint32_t(free.size()); }

  /// Appends `count` free pages to `pages`; all or, if there are not as many, none.
  absl::Status take(uint32_t count, std::vector<int32_t> &pages);
  /// Takes back pages that were taken; leaves `pages` empty.
  void giveBack(std::vector<int32_t> &pages);

private:
  uint32_t total;
  std::vector<int32_t> free; // the last is taken next
};

} // namespace strata
