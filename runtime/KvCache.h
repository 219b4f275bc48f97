//===- KvCache.h - pages of keys and values ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/AnonymousMemory.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata {

/// A pool of equal pages, each for all layers of a number of tokens. Page p lies at
/// data() + p * pageBytes and costs memory once it was written. Owns the memory, not the pages'
/// assignment: whoever takes a page gives it back. Not thread-safe.
class KvCache {
public:
  /// With `poison`, pages are filled with 0xFF (NaN as bf16 and f32) whenever they are taken.
  static absl::StatusOr<KvCache> create(uint64_t pageBytes, uint32_t pages, bool poison);

  std::byte *data() const { return memory.data(); }
  uint32_t pages() const { return total; }
  uint32_t freePages() const { return uint32_t(free.size()); }

  /// Appends `count` free pages to `pages`; all or, if there are not as many, none.
  absl::Status take(uint32_t count, std::vector<int32_t> &pages);
  /// Takes back pages that were taken; leaves `pages` empty.
  void giveBack(std::vector<int32_t> &pages);

private:
  KvCache(AnonymousMemory memory, uint64_t pageBytes, uint32_t pages, bool poison);

  AnonymousMemory memory;
  uint64_t pageBytes;
  uint32_t total;
  bool poison;
  std::vector<int32_t> free; // the last is taken next
};

} // namespace strata
