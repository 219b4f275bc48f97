//===- Background.h - work beside the loop ----------------------*- C++ -*-===//
#pragma once

#include "tools/serve/EventLoop.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace strata::serve {

/// A thread for what would keep the loop too long, one job after the other.
class Background {
public:
  /// What a job returns is called on the loop's thread.
  using Job = std::function<std::function<void()>()>;

  /// The loop outlives it.
  explicit Background(EventLoop &loop);
  /// Waits for the job that runs; those that wait are dropped.
  ~Background();

  void run(Job job);

private:
  void work();

  EventLoop &loop;
  std::mutex mutex; // of what follows
  std::condition_variable changed;
  std::deque<Job> jobs;
  bool ending = false;
  std::thread thread;
};

} // namespace strata::serve
