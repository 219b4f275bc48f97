//===- DeviceMemory.h - what cuMemAlloc hands out ---------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace strata::simulator {

enum class MemoryKind : uint8_t { Device, Host };

/// What kernels have read: bytes, and those of them by loads or copies of 16 bytes.
struct ReadCount {
  uint64_t bytes = 0, together = 0;
};

struct Allocation {
  uintptr_t begin = 0;
  size_t bytes = 0;
  MemoryKind kind = MemoryKind::Device;
  mutable ReadCount reads;

  bool contains(uintptr_t address, size_t size) const {
    return address >= begin && size <= bytes && address - begin <= bytes - size;
  }
};

/// The device's memory and the host's pinned memory, one address space: a reserved range of the
/// process in which every access can be asked for the allocation that it belongs to. Allocations
/// are aligned to 256 bytes, as CUDA promises, and to no more. Not thread-safe.
class DeviceMemory {
public:
  /// Null if the range cannot be reserved.
  static std::unique_ptr<DeviceMemory> create(size_t capacity);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// Null if the device has not enough; only device memory counts. What is small is filled with
  /// 0xff, so that who reads what nobody has written sees NaN.
  void *allocate(size_t bytes, MemoryKind kind);
  /// False if no allocation begins there.
  bool free(const void *address, MemoryKind kind);

  /// The allocation in whose pages the address is: the address may lie beside it. Null if none.
  const Allocation *near(const void *address) const {
    size_t page = (uintptr_t(address) - uintptr_t(base)) / pageBytes;
    if (page >= pages || !owners[page])
      return nullptr;
    return &allocations[owners[page] - 1];
  }
  bool contains(const void *address, size_t bytes) const {
    const Allocation *allocation = near(address);
    return allocation && allocation->contains(uintptr_t(address), bytes);
  }
  /// Whether the address is in the reserved range.
  bool covers(const void *address) const {
    return uintptr_t(address) - uintptr_t(base) < pages * pageBytes;
  }

  /// What was read of all allocations of so many bytes that there are.
  ReadCount readsOf(size_t bytes) const;

  size_t capacity() const { return total; }
  size_t available() const { return total - used; }

private:
  static constexpr size_t pageBytes = 4096;

  DeviceMemory(char *base, size_t pages, size_t capacity, uint32_t *owners);
  size_t takePages(size_t count);
  void returnPages(size_t first, size_t count);
  uint32_t newSlot();

  char *base;
  size_t pages;
  size_t total, used = 0;
  uint32_t *owners; ///< of each page: 0 or 1 + index in allocations
  std::vector<Allocation> allocations;
  std::vector<uint32_t> freeSlots;
  std::map<size_t, size_t> freePages; ///< first page to count; neighbours are merged
};

} // namespace strata::simulator
