//===- AnonymousMemory.h - zeroed pages of our own --------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace strata {

/// A private mapping of zeroed pages; owns it. Pages cost memory once touched. Aligned to 2 MiB
/// where it is larger, so that the kernel can use huge pages.
class AnonymousMemory {
public:
  AnonymousMemory() = default;
  /// `what` names the memory in the error: "KV cache: cannot reserve 12.0 GB: ...".
  static absl::StatusOr<AnonymousMemory> reserve(uint64_t bytes, const char *what);
  AnonymousMemory(AnonymousMemory &&other) noexcept { swap(other); }
  AnonymousMemory &operator=(AnonymousMemory &&other) noexcept {
    swap(other);
    return *this;
  }
  ~AnonymousMemory();

  std::byte *data() const { return start; }
  uint64_t size() const { return bytes; }

private:
  void swap(AnonymousMemory &other) {
    std::swap(start, other.start);
    std::swap(bytes, other.bytes);
    std::swap(mapping, other.mapping);
    std::swap(mappingBytes, other.mappingBytes);
  }

  std::byte *start = nullptr;
  uint64_t bytes = 0;
  void *mapping = nullptr; // what munmap takes: `start` and the room that aligned it
  uint64_t mappingBytes = 0;
};

/// Memory that grows with the largest step so far; what was in it is lost when it grows.
class GrowingMemory {
public:
  explicit GrowingMemory(const char *what) : what(what) {}
  /// Afterwards data() has at least `bytes` bytes, aligned to 64. With `poison`, all are 0xFF (NaN
  /// as bf16 and f32), and so are some behind them.
  absl::Status prepare(uint64_t bytes, bool poison = false);
  /// After prepare with `poison`: an error if the bytes behind were written to.
  absl::Status checkPoison() const;
  std::byte *data() const { return memory.data(); }

private:
  const char *what;
  AnonymousMemory memory;
  uint64_t used = 0; // bytes asked for last
};

/// Bytes of memory that programs can still get without swapping, by /proc/meminfo; the largest
/// number where that cannot be read.
uint64_t availableMemory();

/// "31.3 GB", "512 bytes": decimal units, for people.
std::string formatBytes(uint64_t bytes);

} // namespace strata
