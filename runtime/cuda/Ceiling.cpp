//===- Ceiling.cpp - what this GPU can do at most -------------------------===//

#include "runtime/cuda/Ceiling.h"

#include "runtime/base/Status.h"
#include "runtime/cuda/Events.h"

#include <algorithm>

namespace strata::cuda {
namespace {

constexpr uint64_t kChunk = 16;         // bytes of a load
constexpr uint64_t kPieceChunks = 8192; // of a block: enough to hide its start, few enough for a
                                        // short end of the launch
constexpr uint64_t kBlocks = 8;         // of a multiprocessor: their warps hide a product's latency
constexpr double kProductSeconds = 0.01;
constexpr double kShortest = 1e-6; // seconds that can be told from none

} // namespace

absl::StatusOr<ReadCeiling> ReadCeiling::create(const Driver &driver, CUstream stream,
                                                const AuxiliaryKernel &kernel,
                                                const std::vector<DeviceRange> &ranges) {
  ReadCeiling result(kernel);
  result.base = ranges.empty() ? 0 : ranges.front().address;
  for (const DeviceRange &range : ranges)
    for (uint64_t done = 0; done < range.bytes / kChunk; done += kPieceChunks)
      result.pieces.push_back({range.address - result.base + done * kChunk,
                               std::min(kPieceChunks, range.bytes / kChunk - done)});
  uint64_t size = result.pieces.size() * sizeof(Piece);
  STRATA_ASSIGN(result.table,
                DeviceMemory::allocate(driver, size + sizeof(int32_t), "read ceiling"));
  if (size > 0) // in the stream: it does not wait for copies outside of it
    STRATA_TRY(
        driver.cuMemcpyHtoDAsync_v2(result.table.address(), result.pieces.data(), size, stream));
  return result;
}

absl::StatusOr<double> ReadCeiling::measure(const Driver &driver, CUstream stream,
                                            uint64_t mostBytes, double seconds) const {
  if (pieces.empty())
    return 0;
  uint64_t blocks = 0, bytes = 0;
  do
    bytes += pieces[blocks++].chunks * kChunk;
  while (blocks < pieces.size() && bytes + pieces[blocks].chunks * kChunk <= mostBytes);
  STRATA_ASSIGN(double once, measurePasses(driver, stream, blocks, 1));
  auto passes = int64_t(std::clamp(seconds / std::max(once, kShortest), 1.0, 1e4));
  STRATA_ASSIGN(double all, measurePasses(driver, stream, blocks, passes));
  return double(passes) * double(bytes) / std::max(all, kShortest);
}

absl::StatusOr<double> ReadCeiling::measurePasses(const Driver &driver, CUstream stream,
                                                  uint64_t blocks, int64_t passes) const {
  CUdeviceptr list = table.address(), sink = list + pieces.size() * sizeof(Piece);
  return measureSeconds(driver, stream, [&] {
    for (int64_t i = 0; i < passes; ++i)
      STRATA_TRY(kernel.launch(driver, stream, blocks, {&list, &base, &sink}));
    return absl::OkStatus();
  });
}

absl::StatusOr<double> measureProducts(const Driver &driver, CUstream stream,
                                       const AuxiliaryKernel &kernel, int multiprocessors) {
  STRATA_ASSIGN(DeviceMemory memory,
                DeviceMemory::allocate(driver, sizeof(int32_t), "matrix ceiling"));
  CUdeviceptr sink = memory.address();
  uint64_t blocks = uint64_t(multiprocessors) * kBlocks;
  for (int64_t rounds = 1;; rounds *= 4) {
    STRATA_ASSIGN(double seconds, measureSeconds(driver, stream, [&] {
                    return kernel.launch(driver, stream, blocks, {&sink, &rounds});
                  }));
    if (seconds >= kProductSeconds || rounds > (int64_t(1) << 40))
      return kernel.flops * double(blocks) * double(rounds) / std::max(seconds, kShortest);
  }
}

} // namespace strata::cuda
