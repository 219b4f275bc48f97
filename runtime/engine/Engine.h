//===- Engine.h - runs a compiled model step by step ------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/engine/Device.h"
#include "runtime/engine/KvCache.h"
#include "runtime/engine/PrefixCache.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/package/Package.h"
#include "runtime/package/PackageLimits.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// A sequence of an engine, from open() to close().
using Sequence = int32_t;

/// What a step adds to a sequence: at least one token.
struct BatchEntry {
  Sequence sequence;
  std::span<const int32_t> tokens;
  LogitRows rows = LogitRows::last;
};

struct StepResult {
  // In the order of the batch; valid until the engine's next step. What was not asked for of a row
  // may be anything, of all rows empty.
  std::span<const float> logits;   // [rows, vocabulary]
  std::span<const int32_t> tokens; // [rows], as drawToken tells them
  int64_t rows;                    // R
  int64_t vocabulary;
  Work work; // what the step cost, by the plan's formulas

  std::span<const float> row(int64_t index) const {
    return logits.subspan(size_t(index * vocabulary), size_t(vocabulary));
  }
  /// The token that was drawn from a row; INVALID_ARGUMENT: its logits are no numbers.
  absl::StatusOr<int32_t> token(int64_t row) const {
    if (tokens.empty())
      return absl::FailedPreconditionError("no token was asked for");
    return likeliestToken(tokens[size_t(row)], vocabulary);
  }
};

/// Runs a package on a device. Threads: one thread creates it, calls it and destroys it; on the CPU
/// that thread takes part in the work. A failed call changes no sequence; a number that is no open
/// sequence is INVALID_ARGUMENT.
class Engine {
public:
  /// `context`: most tokens of a sequence. `poison`: fresh pages hold NaN, for tests. Package, and
  /// what the device was made from, must outlive the engine; openEngine (runtime/OpenEngine.h) is
  /// how one gets a device.
  Engine(const Package &package, std::unique_ptr<Device> device, uint32_t context, bool poison);

  /// A new sequence, without tokens. It takes pages of the KV cache as it grows.
  Sequence open();
  /// Frees its pages; the number may come back from open().
  absl::Status close(Sequence sequence);
  /// Tokens of the sequence so far.
  absl::StatusOr<int64_t> length(Sequence sequence) const;
  /// Forgets all tokens of the sequence but the first `length`, at most as many as it has.
  /// FAILED_PRECONDITION inside of a page that is shared.
  absl::Status rewind(Sequence sequence, int64_t length);

  /// Of an empty sequence: begins it with pages that remember() has kept, as many as begin like
  /// `tokens` and leave at least one of those. Returns how many tokens it has now.
  absl::StatusOr<int64_t> reuse(Sequence sequence, std::span<const int32_t> tokens);
  /// Keeps the full pages of the sequence for others that begin like it, until their room is
  /// wanted. `tokens`: those that it has. It can be rewound into none of these pages any more.
  absl::Status remember(Sequence sequence, std::span<const int32_t> tokens);

  /// Runs the new tokens of several different sequences through the model, all at once. `outputs`:
  /// what is wanted of each row; none: all logits.
  absl::StatusOr<StepResult> step(std::span<const BatchEntry> batch,
                                  std::span<const RowOutput> outputs = {});

  int64_t context() const { return mostTokens; }
  const package::Model &model() const { return package.model(); }
  Device &device() { return *hardware; }
  /// Name of the code that was chosen, e.g. "x86-64-v4-bf16".
  const std::string &target() const { return hardware->target(); }
  const KvCache &cache() const { return pages; }
  /// Pages that sequences can still take: free ones, and those that are only remembered.
  uint32_t availablePages() const { return pages.freePages() + prefixes.unused(); }

private:
  struct Slot {
    bool open = false;
    int64_t length = 0; // tokens
    std::vector<int32_t> pages;
  };

  int64_t pagesFor(int64_t tokens) const;
  absl::Status checkOpen(Sequence sequence) const;
  void keep(Slot &slot, int64_t length);
  absl::Status check(std::span<const BatchEntry> batch) const;
  absl::Status checkEntry(const BatchEntry &entry) const;
  absl::Status takePages(std::span<const BatchEntry> batch);
  absl::Status takePages(uint32_t count, std::vector<int32_t> &taken);
  absl::Status buildInputs(std::span<const BatchEntry> batch);

  const Package &package;
  const int64_t mostTokens;
  const bool poison;
  std::unique_ptr<Device> hardware;
  KvCache pages;
  PrefixCache prefixes;
  std::vector<Slot> slots;
  StepInputs inputs;
};

/// Adds `tokens` to a sequence, at most `chunk` (> 0) a step, and returns the logits of the last
/// token, or the `output` that is wanted of them, and the work of all steps. `proceed` is told
/// before each step how many tokens are done; if it says false, the call ends with CANCELLED and
/// the sequence keeps what was done.
absl::StatusOr<StepResult> prefill(Engine &engine, Sequence sequence,
                                   std::span<const int32_t> tokens, int64_t chunk,
                                   absl::FunctionRef<bool(int64_t done)> proceed,
                                   const RowOutput &output = {.logits = true});

} // namespace strata
