//===- Fiber.cpp - one stack a simulated thread ---------------------------===//

#include "runtime/simulator/Fiber.h"

#include <cstdint>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

// The registers that a function must preserve, the stack pointer, and back. The first time, `ret`
// enters what prepare() has put on the stack.
asm(R"(
.text
.globl strataSwitchFiber
.hidden strataSwitchFiber
.type strataSwitchFiber, @function
strataSwitchFiber:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size strataSwitchFiber, .-strataSwitchFiber
)");

namespace strata::simulator {
namespace {

constexpr uint64_t canary = 0x5ca1ab1e0ddba11;

char *reserve(size_t bytes, int flags) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char *>(memory);
}

} // namespace

BlockStorage *BlockStorage::create() {
  char *stacks = reserve(stackBytes * maxThreads, 0);
  char *mapping = reserve(2 * sharedBytes, MAP_32BIT);
  if (!stacks || !mapping) {
    if (stacks)
      munmap(stacks, stackBytes * maxThreads);
    return nullptr;
  }
  uintptr_t aligned = (uintptr_t(mapping) + sharedBytes - 1) / sharedBytes * sharedBytes;
  return new BlockStorage(stacks, mapping, reinterpret_cast<char *>(aligned));
}

BlockStorage::~BlockStorage() {
  munmap(stacks, stackBytes * maxThreads);
  munmap(mapping, 2 * sharedBytes);
}

void *BlockStorage::prepare(size_t thread, void (*function)()) {
#ifdef __SANITIZE_ADDRESS__ // the last thread's frames were left without a return
  __asan_unpoison_memory_region(stack(thread), stackBytes);
#endif
  *reinterpret_cast<uint64_t *>(stack(thread)) = canary;
  // Stacks of equal alignment would all meet in the same lines of the cache.
  size_t offset = (thread % 64 + 1) * 64;
  auto *top = reinterpret_cast<void **>(stack(thread) + stackBytes - offset);
  *--top = nullptr; // where `function` would return to
  *--top = reinterpret_cast<void *>(function);
  for (int saved = 0; saved != 6; ++saved)
    *--top = nullptr;
  return top;
}

bool BlockStorage::intact(size_t thread) const {
  return *reinterpret_cast<const uint64_t *>(stack(thread)) == canary;
}

} // namespace strata::simulator
