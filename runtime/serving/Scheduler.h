//===- Scheduler.h - many requests on one engine ----------------*- C++ -*-===//
//
// A step has one token of every text that is being written, and of prompts as many tokens as there
// is room for beside them: continuous batching (Yu et al., Orca, OSDI 2022) with chunked prefill
// (Agrawal et al., arXiv 2308.16369). First come, first served. When the KV cache is full, the
// request that came last gives its pages back and is computed again later. Texts may be guessed
// further (runtime/drafts/Drafter.h), as long as that brings more tokens a second and nobody waits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/drafts/DraftLength.h"
#include "runtime/drafts/Drafter.h"
#include "runtime/engine/Engine.h"
#include "runtime/serving/EngineFacts.h"
#include "runtime/serving/Metrics.h"
#include "runtime/serving/Request.h"
#include "runtime/serving/ServedText.h"
#include "runtime/serving/StepTime.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace strata::serving {

struct SchedulerOptions {
  int64_t stepTokens = 512; // most tokens of a step; those of prompts wait for the next
  int64_t mostRunning = 64; // requests that take part in steps
  int64_t mostWaiting = 256;
  bool prefixCache = true; // texts that begin alike share pages
  /// Beside texts that are being written a step has so many tokens of prompts that it takes no
  /// longer, but some in any case. 0: as many as stepTokens has room for.
  std::chrono::milliseconds targetItl{0};
  /// Called on the scheduler's thread, once there is an engine: makes what guesses how texts go on,
  /// or null. Not set: nothing does.
  std::function<absl::StatusOr<std::unique_ptr<Drafter>>()> openDrafter = {};
  /// Called once, on the scheduler's thread, when the engine has failed for good, unless drain()
  /// has been called: that is the end in any case.
  std::function<void()> onBroken = {};
};

/// Owns an engine and a thread that runs it. Functions may be called from any thread.
class Scheduler {
public:
  using OpenEngine = std::function<absl::StatusOr<std::unique_ptr<Engine>>()>;

  /// Calls `open` on the scheduler's thread and returns once there is an engine, or `open`'s error.
  /// The tokenizer must outlive the scheduler, and what `open` refers to.
  static absl::StatusOr<std::unique_ptr<Scheduler>>
  start(OpenEngine open, const Tokenizer &tokenizer, const SchedulerOptions &options);
  /// Requests that are not done fail with CANCELLED.
  ~Scheduler();

  /// INVALID_ARGUMENT or OUT_OF_RANGE as Request::validate has them; RESOURCE_EXHAUSTED: too many
  /// wait; UNAVAILABLE: after drain(), or once the engine has failed for good.
  absl::StatusOr<RequestId> submit(Request request, std::shared_ptr<Listener> listener);
  /// The request fails with CANCELLED within a step, unless it is done.
  void cancel(RequestId id);
  /// Takes no more requests and returns when all are done; those that are not at `deadline` fail
  /// with CANCELLED.
  void drain(Clock::time_point deadline);

  Metrics metrics() const;
  /// Whether requests are taken.
  bool healthy() const;
  /// What the engine has failed with for good: its device is lost, or step after step has failed;
  /// every request has failed with it. OK: it has not.
  absl::Status failure() const;
  int64_t context() const { return mostTokens; }
  const EngineFacts &facts() const { return engineFacts; }
  /// What the device can do at most; none before it was measured. Who asks has it measured again
  /// where the last time is 10 s ago, soon and when there is no request; the next may wait some 0.1
  /// s for it.
  std::optional<Ceilings> ceilings();

private:
  struct Entry {
    std::unique_ptr<ServedText> text; // null once it has failed
    Clock::time_point arrived;
    Clock::time_point lastToken = {};
    bool admitted = false;    // once at least
    int64_t cachedTokens = 0; // when it was first
    Sequence sequence = -1;   // while it runs
    int32_t draftText = -1;   // the drafter's number, while it runs and has been guessed
    DraftLength draftLength = {};
  };
  /// What a request has of a step.
  struct Share {
    Entry *entry;
    int64_t tokens;
  };

  /// A row of a step's logits.
  struct Row {
    ServedText *text;
    size_t share;
    int64_t index; // of the share's
  };

  Scheduler(const Tokenizer &tokenizer, const SchedulerOptions &options)
      : tokenizer(tokenizer), options(options) {}

  // On the scheduler's thread.
  void runThread(OpenEngine open, std::promise<absl::Status> opened);
  void loop();
  void measureCeilings();
  bool takeInbox();
  void dropLate();
  void admit();
  bool tryAdmit();
  void closeSequence(Entry &entry);
  void remember(const Entry &entry);
  std::vector<Share> planStep();
  int64_t promptRoom(std::span<const Share> texts) const;
  void makeRoom(std::vector<Share> &shares);
  void preemptLast();
  absl::Status addDrafts(std::span<const Share> shares);
  absl::Status draft(std::span<const Share> shares, std::span<const DraftPlan> plans);
  bool hasRoom(std::span<const Share> shares) const;
  uint32_t missingPages(const Share &share) const;
  uint32_t pagesFor(int64_t tokens) const;
  absl::Status runStep(std::span<const Share> shares);
  std::vector<Row> beginStep(std::span<const Share> shares);
  std::vector<absl::Status> useRows(std::span<const Share> shares, std::span<const Row> rows,
                                    const StepResult &result);
  absl::Status endStep(const Share &share);
  absl::Status noteDrafts(Entry &entry, int64_t drafted);
  void noteProgress(Entry &entry, int64_t tokens, int64_t generatedBefore);
  void failWhere(const absl::Status &status, absl::FunctionRef<bool(const ServedText &)> isWanted);
  void finish(const Entry &entry);
  void finishDone();
  void fail(Entry &entry, const absl::Status &status);
  void stepFailed(std::span<const Share> shares, const absl::Status &status);
  void breakDown(const absl::Status &status);
  void publish();

  const Tokenizer &tokenizer;
  const SchedulerOptions options;
  int64_t mostTokens = 0; // the context
  int64_t vocabulary = 0;
  std::vector<int32_t> ends; // the model's own
  EngineFacts engineFacts;   // once the engine is open

  // The thread's alone.
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Drafter> drafter; // null: there are no drafts
  DraftCost draftCost;
  std::optional<StepCost> cost; // of the engine's steps
  StepTime time;
  std::deque<std::unique_ptr<Entry>> waiting;
  std::vector<std::unique_ptr<Entry>> running; // take part in steps; in the order of their arrival
  Metrics counts;
  int failedSteps = 0; // one after the other

  mutable std::mutex mutex; // of what follows
  std::condition_variable changed;
  std::vector<std::unique_ptr<Entry>> submitted;
  std::vector<RequestId> cancelled;
  Metrics published;
  std::optional<Ceilings> measured;
  Clock::time_point measuredAt = {};
  std::optional<Clock::time_point> ceilingsDue; // somebody has asked
  RequestId lastId = 0;
  int64_t accepted = 0; // requests that are not done
  bool draining = false, cancelsAll = false, stopping = false;
  absl::Status broken; // OK until the engine has failed for good

  std::thread thread;
};

} // namespace strata::serving
