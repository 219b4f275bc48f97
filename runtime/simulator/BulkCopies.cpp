//===- BulkCopies.cpp - TMA: tensors and contiguous bytes -----------------===//
//
// The bytes are read when the copy is issued and arrive later (Block::deliver); meanwhile the
// target holds 0xff.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Block.h"
#include "runtime/simulator/TensorMap.h"

#include <cstring>

namespace strata::simulator {
namespace {

/// The alignment of a target in shared memory: that at which its swizzle repeats.
size_t targetAlignment(const TensorMap &map) { return map.swizzle ? 128u << map.swizzle : 128; }

/// Takes the bytes out of `copy` only when nothing can fail any more.
void issue(Block &block, void *to, void *barrierAddress, std::vector<char> &bytes,
           const char *operation) {
  MemoryBarrier &barrier = block.memoryBarrier(barrierAddress, operation);
  size_t offset = block.sharedOffset(to, bytes.size(), operation);
  if (block.racesWanted())
    block.report(block.races.beginCopy(block.thread().index, offset, bytes.size()), operation);
  std::memset(to, 0xff, bytes.size());
  size_t barrierOffset = block.sharedOffset(barrierAddress, 8, operation);
  block.bulkCopies.push_back(
      {static_cast<char *>(to), std::move(bytes), uint32_t(barrierOffset), barrier.phase});
}

void checkMap(Block &block, const TensorMap &map, uint32_t rank) {
  if (map.magic != TensorMap::expectedMagic)
    block.fail("tensor copy: this is no tensor map of cuTensorMapEncodeTiled");
  if (map.rank != rank)
    block.fail(format("tensor copy with %u coordinates of a tensor of rank %u", rank, map.rank));
}

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

void __sim_tensor_load(void *to, const void *tensorMap, void *barrier, const int32_t *coordinates,
                       uint32_t rank) {
  Block &block = Block::current();
  const TensorMap &map = *static_cast<const TensorMap *>(tensorMap);
  block.checkAligned(tensorMap, 64, "tensor map");
  checkMap(block, map, rank);
  block.checkAligned(to, targetAlignment(map), "tensor copy's target");
  std::string problem;
  std::vector<char> bytes = map.gather(coordinates, block.launch.memory, problem);
  if (!problem.empty())
    block.fail(std::move(problem));
  issue(block, to, barrier, bytes, "tensor copy");
}

void __sim_bulk_load(void *to, const void *from, void *barrier, uint32_t bytes) {
  Block &block = Block::current();
  if (bytes % 16)
    block.fail(format("bulk copy of %u bytes, which are not multiples of 16", bytes));
  block.checkAligned(to, 16, "bulk copy's target");
  block.checkAligned(from, 16, "bulk copy's source");
  block.checkGlobal(from, bytes, "bulk copy's read");
  auto first = static_cast<const char *>(from);
  std::vector<char> copy(first, first + bytes);
  issue(block, to, barrier, copy, "bulk copy");
}
