//===- AsyncCopies.cpp - cp.async -----------------------------------------===//
//
// From issue to wait the target holds 0xff bytes; the copy happens at the last moment that PTX
// allows, so who waits for too few groups reads poison.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Block.h"

#include <cstring>

using namespace strata::simulator;

void __sim_cp_async(void *to, const void *from, uint32_t bytes, uint32_t sourceBytes) {
  Block &block = Block::current();
  if (sourceBytes > bytes)
    block.fail(format("cp.async of %u bytes from %u", bytes, sourceBytes));
  block.checkAligned(to, bytes, "cp.async's target");
  block.checkAligned(from, bytes, "cp.async's source");
  block.readGlobal(from, sourceBytes, bytes, "cp.async's read");
  size_t offset = block.sharedOffset(to, bytes, "cp.async's write");
  if (block.racesWanted())
    block.report(block.races.beginCopy(block.thread().index, offset, bytes), "cp.async");
  std::memset(to, 0xff, bytes);
  block.thread().openCopies.push_back(
      {static_cast<char *>(to), static_cast<const char *>(from), bytes, sourceBytes});
}

void __sim_cp_async_commit() {
  Thread &thread = Block::current().thread();
  thread.copyGroups.push_back(std::move(thread.openCopies));
  thread.openCopies.clear();
}

static void land(Block &block, const AsyncCopy &copy) {
  std::memset(copy.to, 0, copy.bytes);
  std::memcpy(copy.to, copy.from, copy.sourceBytes);
  if (block.racesWanted())
    block.races.endCopy(block.thread().index, size_t(copy.to - block.storage.shared()), copy.bytes);
}

void __sim_cp_async_wait(uint32_t groupsInFlight) {
  Block &block = Block::current();
  auto &groups = block.thread().copyGroups;
  if (groups.size() <= groupsInFlight)
    return;
  auto landed = groups.begin() + (groups.size() - groupsInFlight);
  for (auto group = groups.begin(); group != landed; ++group)
    for (const AsyncCopy &copy : *group)
      land(block, copy);
  groups.erase(groups.begin(), landed);
}
