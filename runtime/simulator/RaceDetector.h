//===- RaceDetector.h - who touched shared memory when ----------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace strata::simulator {

/// A vector clock: what its owner knows of every actor.
class Clock {
public:
  void reset(size_t actors) { times.assign(actors, 0); }
  uint32_t &operator[](size_t actor) { return times[actor]; }
  uint32_t operator[](size_t actor) const { return times[actor]; }
  bool empty() const { return times.empty(); }

  void join(const Clock &other);
  /// Keeps what both know.
  void meet(const Clock &other);

private:
  std::vector<uint32_t> times;
};

/// One access that is not ordered after an earlier one.
struct Race {
  enum class Kind { AfterWrite, AfterRead, InFlight, ProxyFence } kind;
  uint32_t earlier; ///< the other actor
  uint32_t offset;  ///< of the granule, in shared memory
};

/// FastTrack for the shared memory of one block, with several readers a granule. Actors are the
/// threads, then the bulk copies, then one for each warpgroup's wgmma: what is done asynchronously
/// is ordered before what follows only by the wait that PTX asks for.
///
/// A granule is two bytes: a race between single bytes of one granule is not one.
class RaceDetector {
public:
  void start(uint32_t threads, size_t sharedBytes);

  uint32_t bulkActor() const { return threads; }
  uint32_t wgmmaActor(uint32_t warpgroup) const { return threads + 1 + warpgroup; }
  uint32_t actors() const { return uint32_t(clocks.size()); }
  bool isThread(uint32_t actor) const { return actor < threads; }

  /// An access of `actor`, which knows `known` (a thread: clock(thread)).
  std::optional<Race> read(uint32_t actor, const Clock &known, size_t offset, size_t bytes);
  std::optional<Race> write(uint32_t actor, const Clock &known, size_t offset, size_t bytes);
  /// As read, but by wgmma: what threads wrote must have passed a fence.proxy.async.
  std::optional<Race> readAsync(uint32_t actor, const Clock &known, size_t offset, size_t bytes);

  /// From now on until endCopy any access is an error. Checked as a write of `thread`.
  std::optional<Race> beginCopy(uint32_t thread, size_t offset, size_t bytes);
  /// The bytes are there, written by `writer` now.
  void endCopy(uint32_t writer, size_t offset, size_t bytes);

  Clock &clock(uint32_t actor) { return clocks[actor]; }
  /// What the thread has done so far becomes visible to who acquires `into`.
  void release(uint32_t thread, Clock &into);
  void acquire(uint32_t thread, const Clock &from) { clocks[thread].join(from); }
  void fenceProxy(uint32_t thread);
  /// A new time for an asynchronous actor.
  uint32_t tick(uint32_t actor) { return ++clocks[actor][actor]; }

private:
  static constexpr size_t granule = 2, inlineReaders = 4;

  struct Cell {
    uint32_t writeTime = 0;
    uint32_t readTimes[inlineReaders] = {};
    uint16_t writer = 0;
    uint16_t readers[inlineReaders] = {};
    uint8_t readerCount = 0;
    uint8_t copiesInFlight = 0;
    int32_t overflow = -1; ///< more readers: an index into readTimes, by actor
  };

  std::optional<Race> checkWritten(const Cell &cell, const Clock &known) const;
  std::optional<Race> checkRead(const Cell &cell, const Clock &known) const;
  void addReader(Cell &cell, uint32_t actor, const Clock &known);
  void addManyReaders(Cell &cell, uint32_t actor, uint32_t time);
  void forgetReaders(Cell &cell);
  std::optional<Race> at(std::optional<Race> race, size_t cell) const;

  uint32_t threads = 0;
  std::vector<Clock> clocks;
  std::vector<uint32_t> fences; ///< of each thread: the time of its last fence.proxy.async
  std::vector<Cell> cells;
  std::vector<std::vector<uint32_t>> readTimes;
  std::vector<int32_t> freeReadTimes;
};

} // namespace strata::simulator
