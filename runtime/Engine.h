//===- Engine.h - runs a compiled model step by step ------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/KvCache.h"
#include "runtime/Package.h"
#include "runtime/StepInputs.h"
#include "runtime/Weights.h"
#include "runtime/cpu/CodeObject.h"
#include "runtime/cpu/Plan.h"
#include "runtime/cpu/ThreadPool.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct EngineOptions {
  int threads = 0;        // 0: one for each CPU this process may use
  std::string cpu = {};   // target of the code to run ("x86-64-v3"); empty: the first that can
  uint32_t context = 0;   // most tokens of a sequence; 0: what the model was trained on
  uint32_t sequences = 1; // the KV cache has room for this many of `context` tokens
  bool poison = false;    // for tests: arena, logits and fresh pages hold NaN before each step, and
                          // a kernel that writes behind arena or logits is an error
};

/// A sequence of an engine, from open() to close().
using Sequence = int32_t;

/// What a step adds to a sequence: at least one token.
struct BatchEntry {
  Sequence sequence;
  std::span<const int32_t> tokens;
  LogitRows rows = LogitRows::last;
};

struct StepResult {
  std::span<const float> logits; // [rows, vocabulary] in the order of the batch; valid until the
                                 // engine's next step
  int64_t rows;                  // R
  int64_t vocabulary;
  cpu::Work work; // what the step cost, by the plan's formulas

  std::span<const float> row(int64_t index) const {
    return logits.subspan(size_t(index * vocabulary), size_t(vocabulary));
  }
};

/// Runs the package's program for the CPU. Threads: one thread creates it, calls it and destroys
/// it; that thread is worker 0 of the engine's pool. A failed call changes no sequence.
class Engine {
public:
  /// Package and weights must outlive the engine.
  static absl::StatusOr<std::unique_ptr<Engine>>
  create(const Package &package, const Weights &weights, const EngineOptions &options);

  /// A new sequence, without tokens. It takes pages of the KV cache as it grows.
  Sequence open();
  /// Frees its pages; the number may come back from open().
  void close(Sequence sequence);
  /// Tokens of the sequence so far.
  int64_t length(Sequence sequence) const { return slots[size_t(sequence)].length; }
  /// Forgets all tokens of the sequence but the first `length`, at most length(sequence).
  void rewind(Sequence sequence, int64_t length);

  /// Runs the new tokens of several different sequences through the model, all at once.
  absl::StatusOr<StepResult> step(std::span<const BatchEntry> batch);

  int64_t context() const { return mostTokens; }
  const package::Model &model() const { return package.model(); }
  cpu::ThreadPool &pool() { return *threads; }
  /// Name of the code that was chosen, e.g. "x86-64-v4-bf16".
  const std::string &target() const { return code.target(); }
  const KvCache &cache() const { return pages; }
  /// See Plan::streamedParameters.
  std::vector<std::span<const std::byte>> streamedParameters() const {
    return plan.streamedParameters(weights);
  }

private:
  struct Slot {
    bool open = false;
    int64_t length = 0; // tokens
    std::vector<int32_t> pages;
  };

  /// What create() makes before there is an engine.
  struct Parts {
    const package::Program &program;
    std::unique_ptr<cpu::ThreadPool> threads;
    cpu::CodeObject code;
    cpu::Plan plan;
    KvCache pages;
  };
  Engine(const Package &package, const Weights &weights, int64_t mostTokens, bool poison,
         Parts parts);
  int64_t pagesFor(int64_t tokens) const;
  absl::Status check(std::span<const BatchEntry> batch) const;
  absl::Status checkEntry(const BatchEntry &entry) const;
  absl::Status takePages(std::span<const BatchEntry> batch);
  absl::Status buildInputs(std::span<const BatchEntry> batch);
  absl::Status prepareMemory();

  const Package &package;
  const Weights &weights;
  const package::Program &program;
  const int64_t mostTokens;
  const bool poison;
  std::unique_ptr<cpu::ThreadPool> threads;
  cpu::CodeObject code; // before the plan, which points into it
  cpu::Plan plan;
  KvCache pages;
  std::vector<Slot> slots;
  StepInputs inputs;
  GrowingMemory arena{"arena"};
  GrowingMemory logits{"logits"};
};

/// Adds `tokens` to a sequence, at most `chunk` (> 0) a step, and returns the logits of the last
/// token and the work of all steps. `proceed` is told before each step how many tokens are done;
/// if it says false, the call ends with CANCELLED and the sequence keeps what was done.
absl::StatusOr<StepResult> prefill(Engine &engine, Sequence sequence,
                                   std::span<const int32_t> tokens, int64_t chunk,
                                   absl::FunctionRef<bool(int64_t done)> proceed);

} // namespace strata
