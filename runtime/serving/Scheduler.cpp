//===- Scheduler.cpp - many requests on one engine ------------------------===//

#include "runtime/serving/Scheduler.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <utility>

namespace strata::serving {
namespace {

/// Steps that fail one after the other until the engine counts as broken.
constexpr int kMostFailedSteps = 3;

/// Of measuring ceilings: how long it is left alone; how long it waits when somebody has asked,
/// because a browser on the same machine then shows what it was told; how often each is measured,
/// of which the best counts; how much is read in a pass, and for how long.
constexpr std::chrono::seconds kCeilingAge(10);
constexpr std::chrono::milliseconds kCeilingDelay(400);
constexpr int kCeilingTries = 2;
constexpr uint64_t kCeilingBytes = 500000000;
constexpr double kCeilingSeconds = 0.02;

Outcome outcomeOf(FinishReason reason) {
  return reason == FinishReason::stop     ? Outcome::stop
         : reason == FinishReason::length ? Outcome::length
                                          : Outcome::cancelled;
}

} // namespace

//===----------------------------------------------------------------------===//
// From any thread
//===----------------------------------------------------------------------===//

absl::StatusOr<std::unique_ptr<Scheduler>>
Scheduler::start(OpenEngine open, const Tokenizer &tokenizer, const SchedulerOptions &options) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(tokenizer, options));
  std::promise<absl::Status> opened;
  std::future<absl::Status> result = opened.get_future();
  scheduler->thread = std::thread(
      [&scheduler = *scheduler, open = std::move(open), opened = std::move(opened)]() mutable {
        scheduler.runThread(std::move(open), std::move(opened));
      });
  STRATA_TRY(result.get());
  return scheduler;
}

Scheduler::~Scheduler() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  changed.notify_all();
  thread.join();
}

absl::StatusOr<RequestId> Scheduler::submit(Request request, std::shared_ptr<Listener> listener) {
  STRATA_TRY(request.validate(vocabulary, mostTokens));
  std::lock_guard lock(mutex);
  if (!broken.ok())
    return absl::UnavailableError("the engine has failed");
  if (draining || stopping)
    return absl::UnavailableError("the server is shutting down");
  if (accepted >= options.mostRunning + options.mostWaiting)
    return absl::ResourceExhaustedError(
        absl::StrCat("expected at most ", options.mostWaiting, " requests to wait, found more"));
  ++accepted;
  const RequestId id = ++lastId;
  auto entry = std::make_unique<Entry>();
  entry->text =
      std::make_unique<ServedText>(id, std::move(request), std::move(listener), tokenizer, ends);
  entry->arrived = Clock::now();
  submitted.push_back(std::move(entry));
  changed.notify_all();
  return id;
}

void Scheduler::cancel(RequestId id) {
  std::lock_guard lock(mutex);
  cancelled.push_back(id);
  changed.notify_all();
}

void Scheduler::drain(Clock::time_point deadline) {
  std::unique_lock lock(mutex);
  draining = true;
  const auto done = [&] { return accepted == 0; };
  if (changed.wait_until(lock, deadline, done))
    return;
  cancelsAll = true;
  changed.notify_all();
  changed.wait(lock, done);
}

Metrics Scheduler::metrics() const {
  std::lock_guard lock(mutex);
  return published;
}

std::optional<Ceilings> Scheduler::ceilings() {
  std::lock_guard lock(mutex);
  const Clock::time_point now = Clock::now();
  if (!ceilingsDue && (!measured || now - measuredAt > kCeilingAge)) {
    ceilingsDue = now + kCeilingDelay;
    changed.notify_all();
  }
  return measured;
}

bool Scheduler::healthy() const {
  std::lock_guard lock(mutex);
  return broken.ok() && !draining && !stopping;
}

absl::Status Scheduler::failure() const {
  std::lock_guard lock(mutex);
  return broken;
}

//===----------------------------------------------------------------------===//
// On the scheduler's thread
//===----------------------------------------------------------------------===//

void Scheduler::runThread(OpenEngine open, std::promise<absl::Status> opened) {
  auto made = open();
  if (!made.ok())
    return opened.set_value(made.status());
  engine = std::move(*made);
  if (options.openDrafter) {
    auto opener = options.openDrafter();
    if (!opener.ok())
      return opened.set_value(opener.status());
    drafter = std::move(*opener);
  }
  mostTokens = std::min(engine->context(), int64_t(engine->cache().pages()) *
                                               engine->device().program().page_tokens());
  vocabulary = engine->model().vocabulary();
  cost.emplace(engine->device().program());
  const auto tokens = itemsOf(engine->model().eos_tokens());
  ends.assign(tokens.begin(), tokens.end());
  engineFacts = {&engine->device().program(), engine->target(),
                 engine->device().threads(),  mostTokens,
                 options.stepTokens,          options.mostRunning};
  publish();
  opened.set_value(absl::OkStatus());
  loop();
  drafter.reset(); // on the thread that made it
  engine.reset();
}

void Scheduler::loop() {
  while (takeInbox()) {
    measureCeilings();
    dropLate();
    admit();
    std::vector<Share> shares = planStep();
    makeRoom(shares);
    if (!shares.empty()) {
      absl::Status status = addDrafts(shares);
      if (status.ok())
        status = runStep(shares);
      failedSteps = status.ok() ? 0 : failedSteps + 1;
      if (!status.ok())
        stepFailed(shares, status);
    }
    finishDone();
    publish();
  }
}

/// Waits until there is something to do; false when it is to end.
bool Scheduler::takeInbox() {
  std::vector<RequestId> gone;
  bool all, ending;
  {
    std::unique_lock lock(mutex);
    const auto isCalled = [&] { return stopping || !submitted.empty() || !cancelled.empty(); };
    if (running.empty() && waiting.empty()) {
      changed.wait(lock, [&] { return isCalled() || ceilingsDue; });
      if (ceilingsDue)
        changed.wait_until(lock, *ceilingsDue, isCalled);
    }
    for (std::unique_ptr<Entry> &entry : std::exchange(submitted, {}))
      waiting.push_back(std::move(entry));
    gone = std::exchange(cancelled, {});
    ending = stopping;
    all = stopping || cancelsAll;
  }
  std::sort(gone.begin(), gone.end());
  failWhere(absl::CancelledError("cancelled"), [&](const ServedText &text) {
    return all || std::binary_search(gone.begin(), gone.end(), text.id());
  });
  if (ending)
    publish();
  return !ending;
}

/// If somebody has asked for them and nothing runs. Others may have been at work on this machine:
/// the best that was ever measured is what it can do.
void Scheduler::measureCeilings() {
  if (!running.empty() || !waiting.empty())
    return;
  {
    std::lock_guard lock(mutex);
    if (!ceilingsDue || Clock::now() < *ceilingsDue)
      return;
  }
  Meter &meter = engine->device().meter();
  Ceilings best = measured.value_or(Ceilings{}); // this thread alone writes it
  best.instruction = meter.flopInstruction();
  for (int i = 0; i < kCeilingTries; ++i) {
    best.read = std::max(best.read, meter.measureRead(kCeilingBytes, kCeilingSeconds).value_or(0));
    best.flops = std::max(best.flops, meter.measureFlops().value_or(0));
  }
  std::lock_guard lock(mutex);
  measured = std::move(best);
  measuredAt = Clock::now();
  ceilingsDue.reset();
}

void Scheduler::dropLate() {
  const Clock::time_point now = Clock::now();
  failWhere(absl::DeadlineExceededError("the request's deadline has passed"),
            [&](const ServedText &text) {
              return text.request().deadline && now >= *text.request().deadline;
            });
}

void Scheduler::failWhere(const absl::Status &status,
                          absl::FunctionRef<bool(const ServedText &)> isWanted) {
  for (const auto &entry : waiting)
    if (isWanted(*entry->text))
      fail(*entry, status);
  for (const auto &entry : running)
    if (isWanted(*entry->text))
      fail(*entry, status);
  finishDone();
}

uint32_t Scheduler::pagesFor(int64_t tokens) const {
  const int64_t size = engine->device().program().page_tokens();
  return uint32_t((tokens + size - 1) / size);
}

uint32_t Scheduler::missingPages(const Share &share) const {
  const ServedText &text = *share.entry->text;
  const int64_t seen = text.seenTokens();
  return pagesFor(seen + share.tokens + text.drafts()) - pagesFor(seen);
}

bool Scheduler::hasRoom(std::span<const Share> shares) const {
  uint64_t missing = 0;
  for (const Share &share : shares)
    missing += missingPages(share);
  return missing <= engine->availablePages();
}

/// Those that came first, as long as there are pages for all that they begin with.
void Scheduler::admit() {
  while (!waiting.empty() && int64_t(running.size()) < options.mostRunning)
    if (!tryAdmit())
      return;
}

/// The first that waits. What runs already may want one more page each meanwhile.
bool Scheduler::tryAdmit() {
  Entry &next = *waiting.front();
  next.sequence = engine->open();
  int64_t reused = 0;
  if (options.prefixCache && next.text->canReuse())
    reused = engine->reuse(next.sequence, next.text->pending()).value_or(0);
  int64_t wanted = pagesFor(next.text->length() + 1) - pagesFor(reused);
  for (const auto &entry : running)
    wanted += pagesFor(entry->text->length() + 1) - pagesFor(entry->text->seenTokens());
  if (!running.empty() && wanted > int64_t(engine->availablePages())) {
    closeSequence(next);
    return false;
  }
  next.text->setSeen(reused);
  if (!std::exchange(next.admitted, true)) {
    counts.queueTime.add(secondsSince(next.arrived));
    counts.cachedTokens += uint64_t(reused);
    next.cachedTokens = reused;
  }
  running.push_back(std::move(waiting.front()));
  waiting.pop_front();
  return true;
}

/// Its number may be another's from now on.
void Scheduler::closeSequence(Entry &entry) {
  if (entry.sequence >= 0)
    (void)engine->close(std::exchange(entry.sequence, -1)); // it is open
  if (entry.draftText >= 0)
    drafter->close(std::exchange(entry.draftText, -1));
}

void Scheduler::remember(const Entry &entry) {
  if (options.prefixCache)
    (void)engine->remember(entry.sequence, entry.text->seenPart()); // open, and as long
}

void Scheduler::stepFailed(std::span<const Share> shares, const absl::Status &status) {
  if (isLost(status) || failedSteps == kMostFailedSteps)
    return breakDown(status);
  for (const Share &share : shares)
    if (share.entry->text)
      fail(*share.entry, status);
}

/// Nothing is taken any more before the first request hears of it.
void Scheduler::breakDown(const absl::Status &status) {
  bool ending;
  {
    std::lock_guard lock(mutex);
    ending = draining || stopping;
    broken = status;
    for (std::unique_ptr<Entry> &entry : std::exchange(submitted, {}))
      waiting.push_back(std::move(entry));
  }
  failWhere(status, [](const ServedText &) { return true; });
  if (options.onBroken && !ending)
    options.onBroken();
}

/// Tells the listener; finishDone() removes it.
void Scheduler::fail(Entry &entry, const absl::Status &status) {
  ++counts.of(absl::IsCancelled(status) ? Outcome::cancelled : Outcome::failed);
  entry.text->listener().failed(status);
  entry.text.reset();
}

void Scheduler::finish(const Entry &entry) {
  const ServedText &text = *entry.text;
  ++counts.of(outcomeOf(*text.finished()));
  counts.requestLatency.add(secondsSince(entry.arrived));
  text.listener().finished(*text.finished(), {int64_t(text.request().prompt.size()),
                                              text.generatedTokens(), entry.cachedTokens});
}

/// Removes what is done, and tells those who do not know yet.
void Scheduler::finishDone() {
  const auto isDone = [&](const std::unique_ptr<Entry> &entry) {
    if (entry->text && !entry->text->finished())
      return false;
    if (entry->text) {
      remember(*entry);
      finish(*entry);
    }
    closeSequence(*entry);
    return true;
  };
  const size_t removed = std::erase_if(running, isDone) + std::erase_if(waiting, isDone);
  if (removed == 0)
    return;
  publish(); // who waits for the end finds its pages free
  std::lock_guard lock(mutex);
  accepted -= int64_t(removed);
  changed.notify_all();
}

void Scheduler::publish() {
  counts.running = int64_t(running.size());
  counts.waiting = int64_t(waiting.size());
  counts.pages = engine->cache().pages();
  counts.freePages = engine->availablePages();
  std::lock_guard lock(mutex);
  published = counts;
}

} // namespace strata::serving
