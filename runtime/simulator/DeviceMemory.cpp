//===- DeviceMemory.cpp - what cuMemAlloc hands out -----------------------===//

#include "runtime/simulator/DeviceMemory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace strata::simulator {
namespace {

// Where an allocation begins in its first page: nobody gets more alignment than CUDA promises.
constexpr size_t lead = 256;
// Unused pages behind each allocation: who writes behind it does not reach the next one.
constexpr size_t gapPages = 16;
// What is larger (weights, a cache) is zero instead of poisoned, so that it costs no memory.
constexpr size_t poisonBytes = size_t(64) << 20;

} // namespace

std::unique_ptr<DeviceMemory> DeviceMemory::create(size_t capacity) {
  // Twice the capacity: room for pinned memory, gaps and fragmentation.
  size_t pages = capacity / pageBytes * 2 + (size_t(1) << 30) / pageBytes;
  void *base = mmap(nullptr, pages * pageBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  auto *owners = static_cast<uint32_t *>(std::calloc(pages, sizeof(uint32_t)));
  if (base == MAP_FAILED || !owners) {
    if (base != MAP_FAILED)
      munmap(base, pages * pageBytes);
    std::free(owners);
    return nullptr;
  }
  return std::unique_ptr<DeviceMemory>(
      new DeviceMemory(static_cast<char *>(base), pages, capacity, owners));
}

DeviceMemory::DeviceMemory(char *base, size_t pages, size_t capacity, uint32_t *owners)
    : base(base), pages(pages), total(capacity), owners(owners) {
  freePages[0] = pages;
}

DeviceMemory::~DeviceMemory() {
  munmap(base, pages * pageBytes);
  std::free(owners);
}

static size_t pagesFor(size_t bytes, size_t pageBytes) {
  return (lead + bytes + pageBytes - 1) / pageBytes + gapPages;
}

void *DeviceMemory::allocate(size_t bytes, MemoryKind kind) {
  bool device = kind == MemoryKind::Device;
  if (bytes == 0 || bytes > pages * pageBytes || (device && bytes > available()))
    return nullptr;
  size_t count = pagesFor(bytes, pageBytes), first = takePages(count);
  if (first == pages)
    return nullptr;
  char *begin = base + first * pageBytes + lead;
  uint32_t slot = newSlot();
  allocations[slot] = {uintptr_t(begin), bytes, kind, {}};
  std::fill_n(owners + first, count, slot + 1);
  if (device)
    used += bytes;
  if (bytes <= poisonBytes)
    std::memset(begin, 0xff, bytes);
  return begin;
}

ReadCount DeviceMemory::readsOf(size_t bytes) const {
  ReadCount sum;
  for (const Allocation &each : allocations)
    if (each.bytes == bytes) {
      sum.bytes += each.reads.bytes;
      sum.together += each.reads.together;
    }
  return sum;
}

bool DeviceMemory::free(const void *address, MemoryKind kind) {
  const Allocation *found = near(address);
  if (!found || found->begin != uintptr_t(address) || found->kind != kind)
    return false;
  size_t first = (uintptr_t(address) - uintptr_t(base)) / pageBytes;
  size_t count = pagesFor(found->bytes, pageBytes);
  if (kind == MemoryKind::Device)
    used -= found->bytes;
  freeSlots.push_back(owners[first] - 1);
  allocations[owners[first] - 1] = {};
  std::fill_n(owners + first, count, 0);
  madvise(base + first * pageBytes, count * pageBytes, MADV_DONTNEED);
  returnPages(first, count);
  return true;
}

/// The first of `count` pages in a row, or `pages`.
size_t DeviceMemory::takePages(size_t count) {
  auto fits = [&](const auto &range) { return range.second >= count; };
  auto range = std::find_if(freePages.begin(), freePages.end(), fits);
  if (range == freePages.end())
    return pages;
  auto [first, size] = *range;
  freePages.erase(range);
  if (size > count)
    freePages[first + count] = size - count;
  return first;
}

void DeviceMemory::returnPages(size_t first, size_t count) {
  auto next = freePages.lower_bound(first);
  if (next != freePages.end() && next->first == first + count) {
    count += next->second;
    next = freePages.erase(next);
  }
  if (next != freePages.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == first) {
      before->second += count;
      return;
    }
  }
  freePages[first] = count;
}

uint32_t DeviceMemory::newSlot() {
  if (freeSlots.empty()) {
    allocations.emplace_back();
    return uint32_t(allocations.size() - 1);
  }
  uint32_t slot = freeSlots.back();
  freeSlots.pop_back();
  return slot;
}

} // namespace strata::simulator
