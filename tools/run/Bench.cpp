//===- Bench.cpp ----------------------------------------------------------===//

#include "tools/run/Bench.h"

#include "runtime/Status.h"

#include <chrono>
#include <cmath>

namespace strata {
namespace {

constexpr uint64_t kMostReadBytes = 2000000000; // a pass of the read ceiling
constexpr double kReadSeconds = 0.03;

/// Tokens that are no text, the same each time.
std::vector<int32_t> someTokens(int64_t count, uint32_t vocabulary) {
  std::vector<int32_t> tokens;
  for (uint64_t i = 0; i < uint64_t(count); ++i)
    tokens.push_back(int32_t((i * 0x9e3779b97f4a7c15 >> 32) % vocabulary));
  return tokens;
}

bool always(int64_t) { return true; }

} // namespace

std::string BenchTest::name() const {
  return absl::StrCat(generate ? "tg" : "pp", tokens, depth > 0 ? absl::StrCat(" @ d", depth) : "");
}

absl::StatusOr<BenchRow> Bench::run(const BenchTest &test, int64_t repetitions,
                                    absl::FunctionRef<void(int64_t)> progress) {
  BenchRow row{test, {}};
  Sequence sequence = engine.open();
  STRATA_TRY(fill(sequence, test.depth));
  BenchTest warmUp{test.generate, test.generate ? 1 : test.tokens, test.depth};
  STRATA_TRY(runOnce(warmUp, sequence).status());
  measureCeilings(); // the first read of pages that were left alone is slower
  Ceilings before = measureCeilings();
  for (int64_t i = 0; i < repetitions; ++i) {
    progress(i);
    STRATA_ASSIGN(BenchSample sample, runTimed(test, sequence));
    Ceilings after = measureCeilings();
    sample.readCeiling = (before.read + after.read) / 2;
    sample.flopCeiling = (before.flops + after.flops) / 2;
    row.samples.push_back(sample);
    before = after;
  }
  engine.close(sequence);
  return row;
}

Bench::Ceilings Bench::measureCeilings() {
  auto orNone = [](double rate) { return rate > 0 ? rate : std::nan(""); };
  double readRate = orNone(engine.device().measureRead(kMostReadBytes, kReadSeconds));
  return {readRate, orNone(engine.device().measureFlops())};
}

absl::StatusOr<BenchSample> Bench::runTimed(const BenchTest &test, Sequence sequence) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  STRATA_ASSIGN(Work work, runOnce(test, sequence));
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return BenchSample{seconds, work, 0, 0};
}

absl::StatusOr<Work> Bench::runOnce(const BenchTest &test, Sequence sequence) {
  engine.rewind(sequence, test.depth);
  std::vector<int32_t> tokens = someTokens(test.tokens, engine.model().vocabulary());
  STRATA_ASSIGN(StepResult result,
                prefill(engine, sequence, tokens, test.generate ? 1 : chunk, always));
  return result.work;
}

absl::Status Bench::fill(Sequence sequence, int64_t depth) {
  if (depth == 0)
    return absl::OkStatus();
  return prefill(engine, sequence, someTokens(depth, engine.model().vocabulary()), chunk, always)
      .status();
}

} // namespace strata
