//===- ThreadPool.cpp - a fixed team of threads ---------------------------===//

#include "runtime/base/ThreadPool.h"

#include "runtime/base/CpuQuota.h"

#include "absl/strings/str_cat.h"
#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace strata {
namespace {

constexpr int kMostThreads = 1024;
constexpr std::chrono::microseconds kSpinTime{50};

/// CPUs that this thread may run on; 0 if the system does not say.
int allowedCpus() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

} // namespace

Range sliceOf(int64_t units, int worker, int workers) {
  // units * worker / workers without the product, which could overflow.
  auto edge = [&](int i) { return units / workers * i + units % workers * i / workers; };
  return {edge(worker), edge(worker + 1)};
}

int threadsWithin(int cpus, std::optional<double> quota) {
  return quota && *quota < cpus ? std::max(1, int(*quota)) : cpus;
}

int availableCpus() { return threadsWithin(std::max(allowedCpus(), 1), cpuQuota()); }

absl::StatusOr<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  if (threads < 1 || threads > kMostThreads)
    return absl::InvalidArgumentError(
        absl::StrCat("threads: expected 1 to ", kMostThreads, ", found ", threads));
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads, threads <= availableCpus()));
  try {
    for (int worker = 1; worker < threads; ++worker)
      pool->workers.emplace_back([pool = pool.get(), worker] { pool->work(worker); });
  } catch (const std::system_error &error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("thread ", pool->workers.size() + 1, " of ", threads, ": ", error.what()));
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  job = nullptr;
  jobs.fetch_add(1);
  jobs.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::run(absl::FunctionRef<void(int)> body) {
  if (count == 1)
    return body(0);
  job = &body;
  jobs.fetch_add(1);
  jobs.notify_all();
  body(0);
  barrier();
}

void ThreadPool::work(int worker) {
  for (uint32_t seen = 0;;) {
    waitWhile(jobs, seen);
    ++seen; // the next job cannot be handed out before this worker has passed the barrier
    if (!job)
      return;
    (*job)(worker);
    barrier();
  }
}

void ThreadPool::barrier() {
  if (count == 1)
    return;
  uint32_t round = rounds.load(std::memory_order_relaxed);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) == uint32_t(count) - 1) {
    arrived.store(0, std::memory_order_relaxed);
    rounds.store(round + 1);
    rounds.notify_all();
  } else {
    waitWhile(rounds, round);
  }
}

void ThreadPool::waitWhile(const std::atomic<uint32_t> &word, uint32_t value) const {
  if (spin) {
    auto end = std::chrono::steady_clock::now() + kSpinTime;
    do {
      for (int i = 0; i < 64; ++i) {
        if (word.load(std::memory_order_acquire) != value)
          return;
        _mm_pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  while (word.load(std::memory_order_acquire) == value)
    word.wait(value, std::memory_order_acquire);
}

} // namespace strata
