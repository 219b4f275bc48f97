//===- Upload.cpp - weights to the GPU, part by part ----------------------===//

#include "runtime/cuda/Upload.h"

#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace strata::cuda {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t kMostPart = 16 << 20; // bytes of a pinned buffer
constexpr int64_t kPiece = 256 << 10;    // bytes that a thread copies at once
constexpr uint64_t kPage = 4096;

/// Asks the system to read what comes next; nothing depends on it.
void readAhead(Bytes bytes) {
  auto begin = reinterpret_cast<uintptr_t>(bytes.data()) & ~(kPage - 1);
  auto end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size());
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_WILLNEED);
}

/// A few pinned buffers that are filled in turns; each is filled again once it was copied.
class Ring {
public:
  static absl::StatusOr<Ring> create(const Driver &driver, CUstream stream, uint64_t part,
                                     int threads) {
    Ring ring(driver, stream, part);
    STRATA_ASSIGN(ring.pool, ThreadPool::create(threads));
    for (Slot &slot : ring.slots) {
      STRATA_ASSIGN(slot.buffer, PinnedMemory::allocate(driver, part, "buffers for the upload"));
      CUevent event = nullptr;
      STRATA_TRY(driver.cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
      slot.copied = {event, driver.entries().cuEventDestroy_v2};
    }
    return ring;
  }

  absl::Status copy(CUdeviceptr to, Bytes from) {
    for (uint64_t done = 0; done < from.size(); done += part)
      STRATA_TRY(copyPart(to + done, from.subspan(done, std::min(part, from.size() - done))));
    return absl::OkStatus();
  }

private:
  struct Slot {
    PinnedMemory buffer;
    Owned<CUevent> copied;
    bool used = false;
  };

  Ring(const Driver &driver, CUstream stream, uint64_t part)
      : driver(&driver), stream(stream), part(part) {}

  absl::Status copyPart(CUdeviceptr to, Bytes from) {
    Slot &slot = slots[next++ % slots.size()];
    if (slot.used)
      STRATA_TRY(driver->cuEventSynchronize(slot.copied.get()));
    fill(slot.buffer.data(), from);
    STRATA_TRY(driver->cuMemcpyHtoDAsync_v2(to, slot.buffer.data(), from.size(), stream));
    slot.used = true;
    return driver->cuEventRecord(slot.copied.get(), stream);
  }

  void fill(std::byte *to, Bytes from) {
    auto size = int64_t(from.size()), pieces = (size + kPiece - 1) / kPiece;
    pool->run([&](int worker) {
      Range range = sliceOf(pieces, worker, pool->threads());
      int64_t begin = range.begin * kPiece, end = std::min(range.end * kPiece, size);
      if (begin < end)
        memcpy(to + begin, from.data() + begin, size_t(end - begin));
    });
  }

  const Driver *driver;
  CUstream stream;
  uint64_t part;
  std::unique_ptr<ThreadPool> pool;
  std::array<Slot, 4> slots;
  size_t next = 0;
};

absl::Status copyAll(Ring &ring, const Package &package, const Weights &weights,
                     const std::vector<DeviceMemory> &memory) {
  for (size_t i = 0; i < memory.size(); ++i) {
    if (i + 1 < memory.size())
      readAhead(weights.parameters()[i + 1]);
    STRATA_TRY(annotate(ring.copy(memory[i].address(), weights.parameters()[i]),
                        textOf(package.manifest().parameters()->Get(uint32_t(i))->key())));
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::vector<DeviceMemory>> allocateWeights(const Driver &driver,
                                                          const Weights &weights) {
  std::vector<DeviceMemory> memory;
  for (Bytes parameter : weights.parameters()) {
    STRATA_ASSIGN(DeviceMemory allocated,
                  DeviceMemory::allocate(driver, parameter.size(), "weights"));
    memory.push_back(std::move(allocated));
  }
  return memory;
}

absl::Status uploadWeights(const Driver &driver, CUstream stream, const Package &package,
                           const Weights &weights, int threads,
                           const std::vector<DeviceMemory> &memory) {
  uint64_t part = 1;
  for (const DeviceMemory &parameter : memory)
    part = std::max(part, parameter.size());
  STRATA_ASSIGN(Ring ring, Ring::create(driver, stream, std::min(part, kMostPart), threads));
  absl::Status status = copyAll(ring, package, weights, memory);
  // Also after an error: the buffers must not be freed while the device reads them.
  status.Update(driver.cuStreamSynchronize(stream));
  return status;
}

uint64_t uploadFootprint(const Weights &weights) {
  uint64_t sum = 0;
  for (Bytes parameter : weights.parameters())
    sum += DeviceMemory::footprint(parameter.size());
  return sum;
}

} // namespace strata::cuda
