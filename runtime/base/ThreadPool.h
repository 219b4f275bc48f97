//===- ThreadPool.h - a fixed team of threads -------------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace strata {

/// The units of worker i of n, out of `units`: contiguous, and together exactly [0, units).
struct Range {
  int64_t begin, end;
};
Range sliceOf(int64_t units, int worker, int workers);

/// The CPUs whose time this process may use; at least 1.
int availableCpus();

/// Of `cpus`, how many threads can run all the time under a quota of so many CPUs' time. With more,
/// the kernel would stop all of them for the rest of each period once the quota is used.
int threadsWithin(int cpus, std::optional<double> quota);

/// A team of threads that work on one job at a time. The thread that creates the pool is worker 0
/// and the only one that may call run(). Threads are not bound to CPUs: on a machine with other
/// work one that has to wait for a CPU of its own would keep all others waiting. Waiting threads
/// spin for about 50 us, then sleep; where there are more than CPUs, they sleep at once.
class ThreadPool {
public:
  /// Fails if `threads` is not in [1, 1024] or the system refuses another thread.
  static absl::StatusOr<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return count; }

  /// Calls body(worker) once on every worker; returns when all have returned.
  void run(absl::FunctionRef<void(int worker)> body);

  /// Inside run(): returns when every worker has called it, with all their writes visible.
  /// Costs about 1 us; nothing with one thread.
  void barrier();

private:
  ThreadPool(int threads, bool spin) : count(threads), spin(spin) {}
  void work(int worker);
  void waitWhile(const std::atomic<uint32_t> &word, uint32_t value) const;

  const int count;
  const bool spin; // false where threads outnumber CPUs: a spinning thread would keep others off
  std::vector<std::thread> workers;

  const absl::FunctionRef<void(int)> *job = nullptr; // null: the workers shall end
  alignas(64) std::atomic<uint32_t> jobs{0};         // counts jobs handed out
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> rounds{0}; // counts barriers passed
};

} // namespace strata
