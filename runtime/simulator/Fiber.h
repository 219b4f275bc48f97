//===- Fiber.h - one stack a simulated thread -------------------*- C++ -*-===//
#pragma once

#include <cstddef>

namespace strata::simulator {

/// The stacks of a block's threads and its shared memory: address space that is reserved once and
/// used by one block after another.
class BlockStorage {
public:
  static constexpr size_t stackBytes = 256 << 10;
  static constexpr size_t maxThreads = 1024;
  static constexpr size_t sharedBytes = 256 << 10;

  /// Null if the system has no address space left (below 4 GiB, for shared memory).
  static BlockStorage *create();
  ~BlockStorage();
  BlockStorage(const BlockStorage &) = delete;
  BlockStorage &operator=(const BlockStorage &) = delete;

  /// Below 4 GiB, a multiple of 256 KiB.
  char *shared() const { return sharedMemory; }
  char *stack(size_t thread) const { return stacks + thread * stackBytes; }

  /// A stack pointer from which switchFiber starts `function`, which must never return.
  void *prepare(size_t thread, void (*function)());
  /// False if the thread has gone beyond its stack.
  bool intact(size_t thread) const;

private:
  BlockStorage(char *stacks, char *mapping, char *sharedMemory)
      : stacks(stacks), mapping(mapping), sharedMemory(sharedMemory) {}

  char *stacks, *mapping, *sharedMemory;
};

/// Continues at `to`, a stack pointer; `*from` is where to come back to.
extern "C" void strataSwitchFiber(void **from, void *to) __attribute__((visibility("hidden")));

} // namespace strata::simulator
