//===- EventLoop.h - one thread that waits for everything -------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

struct event;
struct event_base;

namespace strata::serve {

/// libevent's loop, with a way into it for other threads. All but post() is for the thread that
/// runs it.
class EventLoop {
public:
  /// RESOURCE_EXHAUSTED: no descriptors or memory left.
  static absl::StatusOr<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop &) = delete;
  EventLoop &operator=(const EventLoop &) = delete;

  /// Any thread: has the loop call it, soon and in order. No lock is held meanwhile.
  void post(std::function<void()> call);
  /// Until stop().
  void run();
  void stop();

  event_base *base() const { return events; }

private:
  EventLoop() = default;
  void runPosted();

  event_base *events = nullptr;
  event *wakeup = nullptr;
  int descriptor = -1; // an eventfd: something was posted
  std::mutex mutex;
  std::vector<std::function<void()>> posted;
};

/// Has the loop call back once, later. Setting it again replaces what was set.
class Timer {
public:
  Timer(EventLoop &loop, std::function<void()> call);
  ~Timer();
  Timer(const Timer &) = delete;
  Timer &operator=(const Timer &) = delete;

  void set(std::chrono::milliseconds delay);
  void clear();

private:
  std::function<void()> call;
  event *timer;
};

} // namespace strata::serve
