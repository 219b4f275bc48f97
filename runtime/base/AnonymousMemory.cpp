//===- AnonymousMemory.cpp - mmap without a file --------------------------===//

#include "runtime/base/AnonymousMemory.h"

#include "absl/strings/str_format.h"
#include "runtime/base/Status.h"
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace strata {
namespace {

constexpr uint64_t kHugePage = 2 << 20;
constexpr uint64_t kMost = uint64_t(1) << 48;
constexpr uint64_t kGuard = 4096; // poisoned bytes behind what was asked for

std::byte *alignUp(void *address) {
  auto value = reinterpret_cast<uintptr_t>(address);
  return reinterpret_cast<std::byte *>((value + kHugePage - 1) & ~(kHugePage - 1));
}

} // namespace

absl::StatusOr<AnonymousMemory> AnonymousMemory::reserve(uint64_t bytes, const char *what) {
  AnonymousMemory memory;
  if (bytes == 0)
    return memory;
  if (bytes > kMost)
    return absl::ResourceExhaustedError(
        absl::StrCat(what, ": ", bytes, " bytes are more than can be addressed"));
  uint64_t size = bytes + (bytes > kHugePage ? kHugePage : 0);
  void *mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return absl::ResourceExhaustedError(
        absl::StrCat(what, ": cannot reserve ", formatBytes(bytes), ": ", std::strerror(errno)));
  memory.mapping = mapping;
  memory.mappingBytes = size;
  memory.bytes = bytes;
  memory.start = size > bytes ? alignUp(mapping) : static_cast<std::byte *>(mapping);
  madvise(memory.start, bytes, MADV_HUGEPAGE); // a wish; nothing depends on it
  return memory;
}

AnonymousMemory::~AnonymousMemory() {
  if (mapping)
    munmap(mapping, mappingBytes);
}

absl::Status GrowingMemory::prepare(uint64_t bytes, bool poison) {
  used = bytes;
  uint64_t wanted = poison && bytes <= kMost ? bytes + kGuard : bytes;
  if (wanted > memory.size()) {
    memory = {}; // first: both may not fit
    STRATA_ASSIGN(memory, AnonymousMemory::reserve(wanted, what));
  }
  if (poison)
    memset(memory.data(), 0xff, wanted);
  return absl::OkStatus();
}

absl::Status GrowingMemory::checkPoison() const {
  const std::byte *guard = memory.data() + used;
  return std::all_of(guard, guard + kGuard, [](std::byte b) { return b == std::byte(0xff); })
             ? absl::OkStatus()
             : absl::InternalError(absl::StrCat(what, ": a kernel wrote behind its end"));
}

uint64_t availableMemory() {
  FILE *file = fopen("/proc/meminfo", "re");
  if (!file)
    return UINT64_MAX;
  uint64_t kilobytes = UINT64_MAX >> 10;
  char line[256];
  while (fgets(line, sizeof line, file)) {
    unsigned long long value;
    if (sscanf(line, "MemAvailable: %llu kB", &value) == 1)
      kilobytes = value;
  }
  fclose(file);
  return kilobytes << 10;
}

std::string formatBytes(uint64_t bytes) {
  constexpr const char *units[] = {"bytes", "kB", "MB", "GB", "TB"};
  double value = double(bytes);
  int unit = 0;
  for (; value >= 999.95 && unit < 4; ++unit)
    value /= 1000;
  return unit == 0 ? absl::StrCat(bytes, " bytes") : absl::StrFormat("%.1f %s", value, units[unit]);
}

} // namespace strata
