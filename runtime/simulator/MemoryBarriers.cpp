//===- MemoryBarriers.cpp - mbarrier --------------------------------------===//
//
// The state is kept beside shared memory, which holds only the poison that init writes: kernels
// must not look at it.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Block.h"

#include <cinttypes>
#include <cstring>

namespace strata::simulator {
namespace {

constexpr size_t barrierBytes = 8;
constexpr int64_t largestCount = (1 << 20) - 1;

void expect(Block &block, MemoryBarrier &barrier, uint32_t bytes) {
  barrier.pendingBytes += bytes;
  if (barrier.pendingBytes > largestCount)
    block.fail(format("mbarrier expects %" PRId64 " bytes, more than %" PRId64,
                      barrier.pendingBytes, largestCount));
}

/// Begins the next phase if nothing of this one is pending.
void finishPhase(Block &block, MemoryBarrier &barrier) {
  block.progress();
  if (barrier.pending || barrier.pendingBytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.count;
  if (!block.racesWanted())
    return;
  if (barrier.completed.empty())
    barrier.completed.reset(block.races.actors());
  barrier.completed.join(barrier.released);
}

bool completed(Block &block, MemoryBarrier &barrier, uint32_t parity) {
  if ((barrier.phase & 1) == (parity & 1))
    return false;
  if (block.racesWanted() && !barrier.completed.empty())
    block.races.acquire(block.thread().index, barrier.completed);
  return true;
}

} // namespace

MemoryBarrier &Block::memoryBarrier(const void *address, const char *operation) {
  checkAligned(address, barrierBytes, operation);
  size_t offset = sharedOffset(address, barrierBytes, operation);
  auto found = memoryBarriers.find(uint32_t(offset));
  if (found == memoryBarriers.end())
    fail(format("%s at shared memory + %zu: no mbarrier has been initialized there", operation,
                offset));
  MemoryBarrier &barrier = found->second;
  if (racesWanted() && barrier.initialized > races.clock(running)[barrier.initializer])
    fail(format("race: %s at shared memory + %zu is not ordered after its initialization by "
                "thread %u",
                operation, offset, barrier.initializer));
  return barrier;
}

std::optional<std::string> Block::deliver(size_t index) {
  BulkCopy copy = std::move(bulkCopies[index]);
  bulkCopies.erase(bulkCopies.begin() + index);
  std::memcpy(copy.to, copy.bytes.data(), copy.bytes.size());
  MemoryBarrier &barrier = memoryBarriers[copy.barrier];
  if (barrier.phase != copy.phase)
    return format("a bulk copy issued in phase %" PRIu64 " of the mbarrier at shared memory + %u "
                  "arrives in phase %" PRIu64 ": fewer bytes were expected than are copied",
                  copy.phase, copy.barrier, barrier.phase);
  if (racesWanted()) {
    uint32_t actor = races.bulkActor(), time = races.tick(actor);
    races.endCopy(actor, size_t(copy.to - storage.shared()), copy.bytes.size());
    if (barrier.released.empty())
      barrier.released.reset(races.actors());
    barrier.released[actor] = time;
  }
  barrier.pendingBytes -= int64_t(copy.bytes.size());
  finishPhase(*this, barrier);
  return std::nullopt;
}

} // namespace strata::simulator

using namespace strata::simulator;

void __sim_mbarrier_init(void *address, uint32_t count) {
  Block &block = Block::current();
  if (count == 0 || count > largestCount)
    block.fail(format("mbarrier.init with a count of %u", count));
  block.checkAligned(address, barrierBytes, "mbarrier.init");
  block.writeShared(address, barrierBytes, "mbarrier.init");
  std::memset(address, 0xff, barrierBytes);
  size_t offset = block.sharedOffset(address, barrierBytes, "mbarrier.init");
  MemoryBarrier &barrier = block.memoryBarriers[uint32_t(offset)];
  barrier = MemoryBarrier();
  barrier.count = count;
  barrier.pending = count;
  barrier.initializer = block.thread().index;
  if (block.racesWanted())
    barrier.initialized = block.races.clock(barrier.initializer)[barrier.initializer];
}

void __sim_mbarrier_invalidate(void *address) {
  Block &block = Block::current();
  block.memoryBarrier(address, "mbarrier.inval");
  block.memoryBarriers.erase(uint32_t(block.sharedOffset(address, barrierBytes, "mbarrier.inval")));
}

uint64_t __sim_mbarrier_arrive(void *address, uint32_t count, uint32_t expectedBytes) {
  Block &block = Block::current();
  MemoryBarrier &barrier = block.memoryBarrier(address, "mbarrier.arrive");
  uint64_t token = barrier.phase & 1;
  if (count > barrier.pending)
    block.fail(format("mbarrier.arrive at shared memory + %zu: more than %u arrivals in phase "
                      "%" PRIu64,
                      block.sharedOffset(address, barrierBytes, "mbarrier.arrive"), barrier.count,
                      barrier.phase));
  if (block.racesWanted())
    block.races.release(block.thread().index, barrier.released);
  expect(block, barrier, expectedBytes);
  barrier.pending -= count;
  finishPhase(block, barrier);
  return token;
}

void __sim_mbarrier_expect(void *address, uint32_t bytes) {
  Block &block = Block::current();
  expect(block, block.memoryBarrier(address, "mbarrier.expect_tx"), bytes);
}

uint32_t __sim_mbarrier_try_wait(void *address, uint32_t parity) {
  Block &block = Block::current();
  MemoryBarrier &barrier = block.memoryBarrier(address, "mbarrier.try_wait");
  if (completed(block, barrier, parity))
    return 1;
  if (!block.bulkCopies.empty() && (!block.launch.options.randomSchedule || block.chance(4)))
    if (auto problem = block.deliver(0)) {
      std::string message = std::move(*problem);
      problem.reset();
      block.fail(std::move(message));
    }
  block.yield("mbarrier.try_wait", block.sharedOffset(address, barrierBytes, "mbarrier.try_wait"));
  return 0;
}

void __sim_mbarrier_wait(void *address, uint32_t parity) {
  while (!__sim_mbarrier_try_wait(address, parity))
    ;
}
