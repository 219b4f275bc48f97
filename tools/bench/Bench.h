//===- Bench.h - how fast, and how far from the machine's ceilings -*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/drafts/DraftCounts.h"
#include "runtime/engine/Engine.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// One row of the grid: either prompt or generated tokens of each of `batch` sequences, all of them
/// in the same steps, each behind `depth` tokens of context.
struct BenchTest {
  bool generate;
  int64_t tokens, depth, batch;

  /// "pp512", "tg128 @ d1024": as llama-bench names them; "tg128 b4": of 4 sequences.
  std::string name() const;
  int64_t allTokens() const { return tokens * batch; }
};

/// One repetition, and the ceilings measured just before and after it (their mean).
struct BenchSample {
  double seconds;
  Work work;
  double readCeiling; // bytes a second; NaN: not measured
  double flopCeiling; // FLOP a second; NaN: not measured
};

/// All dispatches of a kernel in the steps of a test.
struct BenchKernel {
  std::string name, example; // "linear_0"; the first dispatch: "layers.0.self_attn.q_proj"
  int64_t dispatches = 0;
  double seconds = 0;
  Work work = {};
};

struct BenchRow {
  BenchTest test;
  std::vector<BenchSample> samples; // at least 1
  std::vector<BenchKernel> kernels; // in the program's order; of repetitions of their own
  DraftCounts drafts = {};          // of the samples' repetitions
};

/// Runs tests on an engine, which must outlive it.
class Bench {
public:
  /// `chunk`: prompt tokens a step, of all sequences together, but at least one of each.
  Bench(Engine &engine, int64_t chunk) : engine(engine), chunk(chunk) {}

  /// One repetition that is not counted, then `repetitions` with the ceilings measured in between.
  /// `progress` is told which repetition begins.
  absl::StatusOr<BenchRow> run(const BenchTest &test, int64_t repetitions,
                               absl::FunctionRef<void(int64_t)> progress);

  /// From now on rows tell of each kernel.
  void timeKernels() { perKernel = true; }

  /// From now on prompts, depths and what is generated are the beginning of `ids`: what a model
  /// would sample is replaced by them, as if it wrote just this text; its steps are computed as
  /// ever. They must be enough for the tests.
  void follow(std::vector<int32_t> ids) { text = std::move(ids); }
  /// From now on generation has drafts, of one sequence. Without follow(), the text is what the
  /// model finds likeliest. `drafter` must outlive the bench.
  void draftBy(Drafter *guesses) { drafter = guesses; }

private:
  using Sequences = std::vector<Sequence>;
  struct Ceilings {
    double read, flops;
  };
  absl::StatusOr<Ceilings> measureCeilings();
  absl::Status timeKernels(BenchRow &row, int64_t repetitions, const Sequences &sequences);
  absl::StatusOr<Sequences> open(int64_t count, int64_t depth);
  absl::StatusOr<Work> runOnce(const BenchTest &test, const Sequences &sequences);
  absl::StatusOr<BenchSample> runTimed(const BenchTest &test, const Sequences &sequences);
  absl::StatusOr<Work> readPrompt(const Sequences &sequences, int64_t tokens, int64_t depth,
                                  LogitRows rows);
  absl::StatusOr<Work> generate(const Sequences &sequences, int64_t tokens, int64_t depth);
  absl::StatusOr<Work> generateDrafted(Sequence sequence, int64_t tokens, int64_t depth);
  std::vector<int32_t> tokensAt(int64_t depth, int64_t count) const;
  absl::StatusOr<Work> step(const Sequences &sequences, std::span<const int32_t> tokens,
                            LogitRows rows);

  Engine &engine;
  const int64_t chunk;
  bool perKernel = false;
  std::vector<int32_t> text; // empty: tokens that are no text
  Drafter *drafter = nullptr;
  DraftCounts drafts;               // since they were cleared
  std::vector<BenchKernel> kernels; // of the steps since they were cleared
};

} // namespace strata
