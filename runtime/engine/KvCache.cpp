//===- KvCache.cpp - pages of keys and values -----------------------------===//

#include "runtime/engine/KvCache.h"

#include "runtime/base/Status.h"

namespace strata {

KvCache::KvCache(uint32_t pages) : total(pages), counts(pages) {
  for (uint32_t page = pages; page-- > 0;)
    free.push_back(int32_t(page));
}

absl::Status KvCache::take(uint32_t count, std::vector<int32_t> &pages) {
  if (count > free.size())
    return absl::ResourceExhaustedError(absl::StrCat(
        "KV cache: full: expected ", count, " free pages, found ", free.size(), " of ", total));
  pages.insert(pages.end(), free.rbegin(), free.rbegin() + count);
  free.resize(free.size() - count);
  share(std::span(pages).last(count));
  return absl::OkStatus();
}

void KvCache::share(std::span<const int32_t> pages) {
  for (int32_t page : pages)
    ++counts[size_t(page)];
}

void KvCache::giveBack(std::vector<int32_t> &pages) {
  for (auto page = pages.rbegin(); page != pages.rend(); ++page)
    if (--counts[size_t(*page)] == 0)
      free.push_back(*page);
  pages.clear();
}

} // namespace strata
