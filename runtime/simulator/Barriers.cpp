//===- Barriers.cpp - named barriers of the block -------------------------===//

#include "runtime/simulator/Block.h"

#include <bit>

namespace strata::simulator {
namespace {

/// Barriers are aligned: every warp takes part with all of its threads, or not at all.
void checkWarps(Block &block, const NamedBarrier &barrier, uint32_t id) {
  std::vector<uint32_t> lanes(block.warps.size());
  for (uint32_t arrival : barrier.arrivals)
    lanes[arrival / 32] |= 1u << arrival % 32;
  for (size_t warp = 0; warp != lanes.size(); ++warp) {
    uint32_t inWarp = std::min<uint32_t>(32, uint32_t(block.threads.size() - warp * 32));
    uint32_t all = inWarp == 32 ? ~0u : (1u << inWarp) - 1, came = lanes[warp];
    if (!came || came == all)
      continue;
    std::vector<uint32_t>().swap(lanes);
    block.fail(format("divergent barrier %u: only lanes 0x%x of warp %zu came", id, came, warp));
  }
}

void arriveAt(Block &block, NamedBarrier &barrier, uint32_t id, uint32_t threads) {
  if (id >= 16)
    block.fail(format("barrier %u: there are 16", id));
  if (threads % 32 && threads != block.threads.size())
    block.fail(format("barrier %u: %u threads are not whole warps", id, threads));
  if (!barrier.arrivals.empty() && barrier.threads != threads)
    block.fail(format("barrier %u of %u threads: those waiting expect %u", id, threads,
                      barrier.threads));
  barrier.threads = threads;
  barrier.arrivals.push_back(block.thread().index);
  if (block.racesWanted())
    block.races.release(block.thread().index, barrier.released);
}

/// Ends the barrier's round if all have come.
bool complete(Block &block, NamedBarrier &barrier, uint32_t id) {
  if (barrier.arrivals.size() < barrier.threads)
    return false;
  checkWarps(block, barrier, id);
  for (uint32_t thread : barrier.waiting) {
    if (block.racesWanted())
      block.races.acquire(thread, barrier.released);
    if (thread != block.thread().index)
      block.wake(thread);
  }
  barrier.waiting.clear();
  barrier.arrivals.clear();
  barrier.released = Clock();
  return true;
}

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

void __sim_barrier(uint32_t id, uint32_t threads) {
  Block &block = Block::current();
  NamedBarrier &barrier = block.barriers[id % 16];
  arriveAt(block, barrier, id, threads ? threads : uint32_t(block.threads.size()));
  barrier.waiting.push_back(block.thread().index);
  if (!complete(block, barrier, id))
    block.wait("barrier (id)", id);
}

void __sim_barrier_arrive(uint32_t id, uint32_t threads) {
  Block &block = Block::current();
  NamedBarrier &barrier = block.barriers[id % 16];
  arriveAt(block, barrier, id, threads);
  complete(block, barrier, id);
  block.progress();
}
