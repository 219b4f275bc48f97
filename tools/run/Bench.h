//===- Bench.h - how fast, and how far from the machine's ceilings -*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/Engine.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// One row of the grid: either prompt or generated tokens, behind `depth` tokens of context.
struct BenchTest {
  bool generate;
  int64_t tokens, depth;

  /// "pp512", "tg128 @ d1024": as llama-bench names them.
  std::string name() const;
};

/// One repetition, and the ceilings measured just before and after it (their mean).
struct BenchSample {
  double seconds;
  Work work;
  double readCeiling; // bytes a second; NaN: not measured
  double flopCeiling; // FLOP a second; NaN: not measured
};

struct BenchRow {
  BenchTest test;
  std::vector<BenchSample> samples; // at least 1
};

/// Runs tests on an engine, which must outlive it.
class Bench {
public:
  /// `chunk`: prompt tokens a step.
  Bench(Engine &engine, int64_t chunk) : engine(engine), chunk(chunk) {}

  /// One repetition that is not counted, then `repetitions` with the ceilings measured in between.
  /// `progress` is told which repetition begins.
  absl::StatusOr<BenchRow> run(const BenchTest &test, int64_t repetitions,
                               absl::FunctionRef<void(int64_t)> progress);

private:
  struct Ceilings {
    double read, flops;
  };
  Ceilings measureCeilings();
  absl::StatusOr<Work> runOnce(const BenchTest &test, Sequence sequence);
  absl::StatusOr<BenchSample> runTimed(const BenchTest &test, Sequence sequence);
  absl::Status fill(Sequence sequence, int64_t depth);

  Engine &engine;
  const int64_t chunk;
};

} // namespace strata
