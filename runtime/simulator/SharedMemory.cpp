//===- SharedMemory.cpp - checked accesses --------------------------------===//

#include "runtime/simulator/Block.h"

#include <cinttypes>

namespace strata::simulator {

bool Block::isShared(const void *address) const {
  return uintptr_t(address) - uintptr_t(storage.shared()) < BlockStorage::sharedBytes;
}

bool Block::isOnStack(const void *address) const {
  return uintptr_t(address) - uintptr_t(storage.stack(running)) < BlockStorage::stackBytes;
}

size_t Block::sharedOffset(const void *address, size_t bytes, const char *operation) {
  size_t offset = uintptr_t(address) - uintptr_t(storage.shared());
  if (offset > launch.sharedBytes || bytes > launch.sharedBytes - offset)
    fail(format("%s of %zu bytes at shared memory + %" PRId64 ": the block has %u bytes", operation,
                bytes, int64_t(offset), launch.sharedBytes));
  return offset;
}

void Block::checkGlobal(const void *address, size_t bytes, const char *operation) {
  if (bytes == 0 || launch.memory.contains(address, bytes))
    return;
  const Allocation *near = launch.memory.near(address);
  if (!near)
    fail(format("%s of %zu bytes at %p, which is no allocation's", operation, bytes, address));
  fail(format("%s of %zu bytes at byte %" PRId64 " of an allocation of %zu bytes", operation, bytes,
              int64_t(uintptr_t(address) - near->begin), near->bytes));
}

void Block::readGlobal(const void *address, size_t bytes, size_t width, const char *operation) {
  checkGlobal(address, bytes, operation);
  if (bytes == 0)
    return;
  ReadCount &reads = launch.memory.near(address)->reads;
  reads.bytes += bytes;
  reads.together += width == 16 ? bytes : 0;
}

void Block::checkAligned(const void *address, size_t alignment, const char *operation) {
  if (alignment > 1 && uintptr_t(address) % alignment)
    fail(format("%s at %p is not aligned to %zu bytes", operation, address, alignment));
}

void Block::readShared(const void *address, size_t bytes, const char *operation) {
  size_t offset = sharedOffset(address, bytes, operation);
  if (racesWanted())
    report(races.read(running, races.clock(running), offset, bytes), operation);
}

void Block::writeShared(const void *address, size_t bytes, const char *operation) {
  size_t offset = sharedOffset(address, bytes, operation);
  if (racesWanted())
    report(races.write(running, races.clock(running), offset, bytes), operation);
}

static const char *nameOf(AccessKind kind) {
  return kind == AccessKind::Read ? "load" : kind == AccessKind::Write ? "store" : "atomic";
}

static void accessShared(Block &block, const void *address, uint32_t bytes, AccessKind kind) {
  if (kind == AccessKind::Read)
    block.readShared(address, bytes, "load");
  else if (kind == AccessKind::Write)
    block.writeShared(address, bytes, "store");
  else // atomics do not race with each other; with plain accesses they are not looked at
    block.sharedOffset(address, bytes, "atomic");
}

} // namespace strata::simulator

using namespace strata::simulator;

void *__sim_shared(uint32_t offset) { return Block::current().storage.shared() + offset; }

void __sim_access_shared(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind) {
  Block &block = Block::current();
  block.checkAligned(address, alignment, nameOf(AccessKind(kind)));
  accessShared(block, address, bytes, AccessKind(kind));
}

void __sim_access_global(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind) {
  Block &block = Block::current();
  block.checkAligned(address, alignment, nameOf(AccessKind(kind)));
  if (AccessKind(kind) == AccessKind::Read)
    block.readGlobal(address, bytes, bytes, nameOf(AccessKind(kind)));
  else
    block.checkGlobal(address, bytes, nameOf(AccessKind(kind)));
}

// Device and shared memory are checked; so is every address that is in neither, unless it is on the
// thread's own stack.
void __sim_access_generic(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind) {
  Block &block = Block::current();
  if (block.isOnStack(address))
    return;
  if (block.isShared(address))
    __sim_access_shared(address, bytes, alignment, kind);
  else
    __sim_access_global(address, bytes, alignment, kind);
}

void __sim_pause() { Block::current().yield("a loop that reads memory", 0); }
