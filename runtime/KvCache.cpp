//===- KvCache.cpp --------------------------------------------------------===//

#include "runtime/KvCache.h"

#include "runtime/Checked.h"
#include "runtime/Status.h"

#include <cstring>

namespace strata {

absl::StatusOr<KvCache> KvCache::create(uint64_t pageBytes, uint32_t pages, bool poison) {
  std::optional<uint64_t> bytes = (Checked(pageBytes) * pages).value();
  if (!bytes || pages > INT32_MAX)
    return absl::ResourceExhaustedError(absl::StrCat("KV cache: ", pages, " pages of ", pageBytes,
                                                     " bytes are more than can be addressed"));
  STRATA_ASSIGN(AnonymousMemory memory, AnonymousMemory::reserve(*bytes, "KV cache"));
  return KvCache(std::move(memory), pageBytes, pages, poison);
}

KvCache::KvCache(AnonymousMemory reserved, uint64_t pageBytes, uint32_t pages, bool poison)
    : memory(std::move(reserved)), pageBytes(pageBytes), total(pages), poison(poison) {
  for (uint32_t page = pages; page-- > 0;)
    free.push_back(int32_t(page));
}

absl::Status KvCache::take(uint32_t count, std::vector<int32_t> &pages) {
  if (count > free.size())
    return absl::ResourceExhaustedError(absl::StrCat(
        "KV cache: full: expected ", count, " free pages, found ", free.size(), " of ", total));
  for (uint32_t i = 0; i < count; ++i) {
    pages.push_back(free.back());
    if (poison)
      memset(memory.data() + uint64_t(free.back()) * pageBytes, 0xff, pageBytes);
    free.pop_back();
  }
  return absl::OkStatus();
}

void KvCache::giveBack(std::vector<int32_t> &pages) {
  free.insert(free.end(), pages.rbegin(), pages.rend());
  pages.clear();
}

} // namespace strata
