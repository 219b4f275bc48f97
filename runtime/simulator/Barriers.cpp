//===- Barriers.cpp - named barriers of the block -------------------------===//
//
// Barriers are aligned: the lanes of a warp come together, and count together.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Block.h"

namespace strata::simulator {
namespace {

/// Which barrier a lane has come to.
struct Arrival {
  uint32_t id, threads;
};

/// Makes the lanes of the warp meet. True for the last one, to which it falls to arrive for all.
bool meetAtBarrier(Block &block, const char *operation, Arrival &arrival) {
  if (arrival.id >= 16)
    block.fail(format("barrier %u: there are 16", arrival.id));
  if (arrival.threads % 32 && arrival.threads != block.threads.size())
    block.fail(format("barrier %u: %u threads are not whole warps", arrival.id, arrival.threads));
  uint32_t mask = block.existingLanes();
  if (!block.arrive(operation, mask, &arrival))
    return false;
  Meeting &meeting = block.warp().meetings[0];
  for (uint32_t lane = 0; lane != 32 && mask >> lane & 1; ++lane) {
    const Arrival &other = *static_cast<Arrival *>(meeting.operands[lane]);
    if (other.id != arrival.id || other.threads != arrival.threads)
      block.fail(format("divergent warp: lanes come to barriers %u and %u", arrival.id, other.id));
  }
  return true;
}

/// The whole warp arrives.
NamedBarrier &arriveWarp(Block &block, const Arrival &arrival) {
  NamedBarrier &barrier = block.barriers[arrival.id];
  if (barrier.arrived && barrier.threads != arrival.threads)
    block.fail(format("barrier %u of %u threads: those who have come expect %u", arrival.id,
                      arrival.threads, barrier.threads));
  barrier.threads = arrival.threads;
  block.forEachThreadOfWarp([&](uint32_t thread) {
    ++barrier.arrived;
    if (block.racesWanted())
      block.races.release(thread, barrier.released);
  });
  if (barrier.arrived > barrier.threads)
    block.fail(format("barrier %u: %u threads have come, %u were expected", arrival.id,
                      barrier.arrived, barrier.threads));
  block.progress();
  return barrier;
}

/// Ends the barrier's round if all have come: who waits goes on.
bool complete(Block &block, NamedBarrier &barrier) {
  if (barrier.arrived < barrier.threads)
    return false;
  for (uint32_t thread : barrier.waiting) {
    if (block.racesWanted())
      block.races.acquire(thread, barrier.released);
    if (thread != block.thread().index)
      block.wake(thread);
  }
  barrier.waiting.clear();
  barrier.arrived = 0;
  barrier.released = Clock();
  return true;
}

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

// The lanes that come first are woken when the barrier is complete.
void __sim_barrier(uint32_t id, uint32_t threads) {
  Block &block = Block::current();
  Arrival arrival{id, threads ? threads : uint32_t(block.threads.size())};
  if (!meetAtBarrier(block, "barrier.sync", arrival))
    return;
  block.warp().meetings[0].arrived = 0;
  NamedBarrier &barrier = arriveWarp(block, arrival);
  block.forEachThreadOfWarp([&](uint32_t thread) {
    barrier.waiting.push_back(thread);
    block.threads[thread].waitsFor = "barrier";
    block.threads[thread].waitsForWhich = id;
  });
  if (!complete(block, barrier))
    block.wait("barrier", id);
}

void __sim_barrier_arrive(uint32_t id, uint32_t threads) {
  Block &block = Block::current();
  Arrival arrival{id, threads};
  if (!meetAtBarrier(block, "barrier.arrive", arrival))
    return;
  complete(block, arriveWarp(block, arrival));
  block.dismiss(block.warp().meetings[0]);
}
