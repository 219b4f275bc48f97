//===- Background.cpp - work beside the loop ------------------------------===//

#include "tools/serve/Background.h"

#include <utility>

namespace strata::serve {

Background::Background(EventLoop &loop) : loop(loop), thread([this] { work(); }) {}

Background::~Background() {
  {
    std::lock_guard lock(mutex);
    ending = true;
  }
  changed.notify_all();
  thread.join();
}

void Background::run(Job job) {
  std::lock_guard lock(mutex);
  jobs.push_back(std::move(job));
  changed.notify_all();
}

void Background::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ending || !jobs.empty(); });
      if (ending)
        return;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    loop.post(job());
  }
}

} // namespace strata::serve
