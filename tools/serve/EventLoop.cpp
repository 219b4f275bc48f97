//===- EventLoop.cpp - one thread that waits for everything ---------------===//

#include "tools/serve/EventLoop.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace strata::serve {

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->events = event_base_new();
  loop->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (loop->events && loop->descriptor >= 0)
    loop->wakeup = event_new(
        loop->events, loop->descriptor, EV_READ | EV_PERSIST,
        [](int, short, void *self) { static_cast<EventLoop *>(self)->runPosted(); }, loop.get());
  if (!loop->wakeup || event_add(loop->wakeup, nullptr) != 0)
    return absl::ResourceExhaustedError("the server has no descriptors or memory left");
  return loop;
}

EventLoop::~EventLoop() {
  posted.clear(); // which may hold timers
  if (wakeup)
    event_free(wakeup);
  if (events)
    event_base_free(events);
  if (descriptor >= 0)
    close(descriptor);
}

void EventLoop::post(std::function<void()> call) {
  {
    std::lock_guard lock(mutex);
    posted.push_back(std::move(call));
    if (posted.size() > 1)
      return; // it is to wake already
  }
  const uint64_t one = 1;
  (void)!write(descriptor, &one, sizeof one);
}

void EventLoop::runPosted() {
  uint64_t count;
  (void)!read(descriptor, &count, sizeof count);
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard lock(mutex);
    calls.swap(posted);
  }
  for (auto &call : calls)
    std::exchange(call, nullptr)(); // what it holds goes with it
}

void EventLoop::run() { event_base_loop(events, EVLOOP_NO_EXIT_ON_EMPTY); }

void EventLoop::stop() { event_base_loopbreak(events); }

Timer::Timer(EventLoop &loop, std::function<void()> call)
    : call(std::move(call)),
      timer(evtimer_new(
          loop.base(),
          [](int, short, void *call) { (*static_cast<std::function<void()> *>(call))(); },
          &this->call)) {}

Timer::~Timer() { event_free(timer); }

void Timer::set(std::chrono::milliseconds delay) {
  const auto count = delay.count();
  const timeval interval{time_t(count / 1000), suseconds_t(count % 1000 * 1000)};
  evtimer_add(timer, &interval);
}

void Timer::clear() { evtimer_del(timer); }

} // namespace strata::serve
