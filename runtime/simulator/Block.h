//===- Block.h - the threads of one block -----------------------*- C++ -*-===//
#pragma once

#include "runtime/simulator/Intrinsics.h"
#include "runtime/simulator/Launch.h"
#include "runtime/simulator/RaceDetector.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace strata::simulator {

/// A cp.async that has been issued.
struct AsyncCopy {
  char *to;
  const char *from;
  uint32_t bytes, sourceBytes;
};

struct Thread {
  uint32_t index, warp, lane;
  Dim3 id;
  void *stackPointer = nullptr;
  bool finished = false;
  /// What a thread that cannot run waits for, and which one: for the report of a deadlock.
  const char *waitsFor = nullptr;
  uint64_t waitsForWhich = 0;

  std::vector<AsyncCopy> openCopies;
  std::vector<std::vector<AsyncCopy>> copyGroups; ///< committed, oldest first
  bool openWgmma = false;
  std::vector<uint32_t> wgmmaGroups; ///< committed: each one's last time of its warpgroup
};

/// Lanes that wait for each other in one collective of one mask.
struct Meeting {
  uint32_t arrived = 0, mask = 0;
  const char *operation = nullptr;
  void *operands[32] = {};
};

struct Warp {
  Meeting meetings[32]; ///< by the mask's lowest lane
};

struct Warpgroup {
  uint32_t arrived = 0;
  bool fenced = false; ///< since it was created: wgmma.fence has been executed
  uint32_t time = 0;   ///< of its actor, at the latest wgmma
  const WgmmaOperands *operands[128] = {};
};

struct NamedBarrier {
  std::vector<uint32_t> waiting;
  uint32_t arrived = 0; ///< threads, those that wait and those that do not
  uint32_t threads = 0; ///< expected
  Clock released;
};

struct MemoryBarrier {
  uint32_t count = 0;
  int64_t pending = 0;      ///< arrivals of this phase to come
  int64_t pendingBytes = 0; ///< transactions of this phase to come
  uint64_t phase = 0;
  uint32_t initializer = 0, initialized = 0; ///< thread, and its time
  Clock released, completed;                 ///< in this phase; in those before
};

/// A bulk copy that has been issued: where its bytes come from is on the heap, ready to be copied.
struct BulkCopy {
  char *to;
  std::vector<char> bytes;
  uint32_t barrier; ///< offset of the mbarrier
  uint64_t phase;   ///< of the mbarrier when issued
};

/// One block, from its first thread to its last. The intrinsics reach it through current(), on the
/// OS thread that runs it. Its members are divided among files as the intrinsics are.
class Block {
public:
  Block(const Launch &launch, BlockStorage &storage, Dim3 index, uint64_t seed);

  static Block &current();
  /// Runs all threads; what went wrong, if something did.
  std::optional<std::string> run();

  const Launch &launch;
  BlockStorage &storage;
  const Dim3 index;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  NamedBarrier barriers[16];
  std::map<uint32_t, MemoryBarrier> memoryBarriers; ///< by offset in shared memory
  std::vector<BulkCopy> bulkCopies;
  RaceDetector races;

  Thread &thread() { return threads[running]; }
  Warp &warp() { return warps[thread().warp]; }
  bool racesWanted() const { return launch.options.races; }

  /// Ends the launch with this message, of the running thread. Callers own nothing on the heap:
  /// their frames are abandoned.
  [[noreturn]] void fail(std::string message);

  /// The running thread cannot go on until wake() is called for it.
  void wait(const char *what, uint64_t which);
  void wake(uint32_t thread);
  /// Others may run; the thread itself stays runnable. Too many of these with nothing happening in
  /// between are a deadlock.
  void yield(const char *what, uint64_t which);
  /// Something happened that a yielding thread may be waiting for.
  void progress() { idle = 0; }
  bool chance(uint32_t oneIn) { return launch.options.randomSchedule && random() % oneIn == 0; }

  /// Where in shared memory `bytes` bytes at `address` are; fails if they are not.
  size_t sharedOffset(const void *address, size_t bytes, const char *operation);
  bool isShared(const void *address) const;
  bool isOnStack(const void *address) const;
  void checkGlobal(const void *address, size_t bytes, const char *operation);
  /// The same for a read, which is counted: `bytes` of an access that could have read `width`.
  void readGlobal(const void *address, size_t bytes, size_t width, const char *operation);
  void checkAligned(const void *address, size_t alignment, const char *operation);
  void readShared(const void *address, size_t bytes, const char *operation);
  void writeShared(const void *address, size_t bytes, const char *operation);
  /// Fails if there is a race.
  void report(const std::optional<Race> &race, const char *operation);

  /// Makes the lanes of `mask` meet; the last one to come calls `combine` with all operands, by
  /// lane. The address of a lane's operand must stay valid while it waits.
  template <typename Operand, typename Combine>
  void meet(const char *operation, uint32_t mask, Operand *operand, Combine combine) {
    if (!arrive(operation, mask, operand))
      return;
    Meeting &meeting = warp().meetings[__builtin_ctz(mask)];
    combine(reinterpret_cast<Operand **>(meeting.operands));
    dismiss(meeting);
  }

  /// The first half of meet: waits until dismissed, and returns false; or returns true to the last
  /// lane, which has to combine and dismiss.
  bool arrive(const char *operation, uint32_t mask, void *operand);
  void dismiss(Meeting &meeting);
  /// The lanes that the running thread's warp has: all but in a last warp that is not full.
  uint32_t existingLanes();
  template <typename Function>
  void forEachThreadOfWarp(Function function) {
    size_t first = thread().warp * 32, end = std::min(first + 32, threads.size());
    for (size_t index = first; index != end; ++index)
      function(uint32_t(index));
  }

  /// The initialized mbarrier at an address.
  MemoryBarrier &memoryBarrier(const void *address, const char *operation);
  /// The bytes of a bulk copy arrive, in shared memory and at its mbarrier. What is wrong, if
  /// something is: this also happens while no thread runs.
  std::optional<std::string> deliver(size_t copy);

private:
  static void threadMain();
  uint32_t next();
  void deliverSometimes();
  void switchToScheduler();
  void finishThread();
  std::string deadlock();
  std::string actor(uint32_t actor) const;
  std::string place() const;

  std::minstd_rand random;
  std::vector<uint32_t> ready;
  size_t readyBegin = 0;
  uint32_t running = 0;
  uint32_t unfinished;
  uint64_t idle = 0;
  void *scheduler = nullptr;
  std::optional<std::string> failure;
};

/// `pattern` as printf takes it.
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

} // namespace strata::simulator
