//===- Bench.cpp - repetitions, and the ceilings between them -------------===//

#include "tools/bench/Bench.h"

#include "runtime/base/Status.h"
#include "runtime/drafts/DraftedSequence.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace strata {
namespace {

/// Of a pass of the read ceiling. On a GPU as much as there may be, to hide the ends of launches.
constexpr uint64_t kMostHostBytes = 2000000000, kMostDeviceBytes = 64000000000;
constexpr double kReadSeconds = 0.03;

/// Tokens that are no text, the same each time.
std::vector<int32_t> someTokens(int64_t count, uint32_t vocabulary) {
  std::vector<int32_t> tokens;
  for (uint64_t i = 0; i < uint64_t(count); ++i)
    tokens.push_back(int32_t((i * 0x9e3779b97f4a7c15 >> 32) % vocabulary));
  return tokens;
}

/// Adds a step's dispatches to those of their kernels, if that is wanted.
void addTimes(Device &device, std::vector<BenchKernel> &kernels) {
  if (kernels.empty())
    return;
  uint32_t index = 0;
  for (const DispatchTime &time : device.probe().dispatchTimes()) {
    const package::Dispatch &dispatch = *device.program().dispatches()->Get(index++);
    BenchKernel &kernel = kernels[dispatch.kernel()];
    if (kernel.example.empty())
      kernel.example = textOf(dispatch.name());
    ++kernel.dispatches;
    kernel.seconds += time.seconds;
    kernel.work += time.work;
  }
}

} // namespace

std::string BenchTest::name() const {
  return absl::StrCat(generate ? "tg" : "pp", tokens, batch > 1 ? absl::StrCat(" b", batch) : "",
                      depth > 0 ? absl::StrCat(" @ d", depth) : "");
}

absl::StatusOr<BenchRow> Bench::run(const BenchTest &test, int64_t repetitions,
                                    absl::FunctionRef<void(int64_t)> progress) {
  BenchRow row{test, {}, {}, {}};
  STRATA_ASSIGN(Sequences sequences, open(test.batch, test.depth));
  BenchTest warmUp = test;
  warmUp.tokens = test.generate ? 1 : test.tokens;
  STRATA_TRY(runOnce(warmUp, sequences).status());
  drafts = {};
  STRATA_TRY(measureCeilings().status()); // the first read of pages left alone is slower
  STRATA_ASSIGN(Ceilings before, measureCeilings());
  for (int64_t i = 0; i < repetitions; ++i) {
    progress(i);
    STRATA_ASSIGN(BenchSample sample, runTimed(test, sequences));
    STRATA_ASSIGN(Ceilings after, measureCeilings());
    sample.readCeiling = (before.read + after.read) / 2;
    sample.flopCeiling = (before.flops + after.flops) / 2;
    row.samples.push_back(sample);
    before = after;
  }
  row.drafts = drafts;
  if (perKernel)
    STRATA_TRY(timeKernels(row, repetitions, sequences));
  for (Sequence sequence : sequences)
    STRATA_TRY(engine.close(sequence));
  return row;
}

absl::Status Bench::timeKernels(BenchRow &row, int64_t repetitions, const Sequences &sequences) {
  Device &device = engine.device();
  kernels.clear();
  for (const package::Kernel *kernel : itemsOf(device.program().kernels()))
    kernels.push_back({textOf(kernel->name()), ""});
  device.probe().timeDispatches(true);
  absl::Status status;
  for (int64_t i = 0; i < repetitions && status.ok(); ++i)
    status = runOnce(row.test, sequences).status();
  device.probe().timeDispatches(false);
  std::erase_if(kernels, [](const BenchKernel &kernel) { return kernel.dispatches == 0; });
  row.kernels = std::move(kernels);
  kernels.clear();
  return status;
}

absl::StatusOr<Bench::Ceilings> Bench::measureCeilings() {
  auto orNone = [](double rate) { return rate > 0 ? rate : std::nan(""); };
  uint64_t most = engine.device().threads() > 0 ? kMostHostBytes : kMostDeviceBytes;
  STRATA_ASSIGN(double read, engine.device().meter().measureRead(most, kReadSeconds));
  STRATA_ASSIGN(double flops, engine.device().meter().measureFlops());
  return Ceilings{orNone(read), orNone(flops)};
}

absl::StatusOr<BenchSample> Bench::runTimed(const BenchTest &test, const Sequences &sequences) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  STRATA_ASSIGN(Work work, runOnce(test, sequences));
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return BenchSample{seconds, work, 0, 0};
}

absl::StatusOr<Work> Bench::runOnce(const BenchTest &test, const Sequences &sequences) {
  for (Sequence sequence : sequences)
    STRATA_TRY(engine.rewind(sequence, test.depth));
  if (test.generate && drafter)
    return generateDrafted(sequences[0], test.tokens, test.depth);
  return test.generate ? generate(sequences, test.tokens, test.depth)
                       : readPrompt(sequences, test.tokens, test.depth, LogitRows::last);
}

absl::StatusOr<Bench::Sequences> Bench::open(int64_t count, int64_t depth) {
  Sequences sequences;
  for (int64_t i = 0; i < count; ++i)
    sequences.push_back(engine.open());
  if (depth > 0)
    STRATA_TRY(readPrompt(sequences, depth, 0, LogitRows::none).status());
  return sequences;
}

/// What a test feeds behind `depth` tokens.
std::vector<int32_t> Bench::tokensAt(int64_t depth, int64_t count) const {
  return text.empty() ? someTokens(count, engine.model().vocabulary())
                      : std::vector<int32_t>(text.begin() + depth, text.begin() + depth + count);
}

/// Adds a prompt to each sequence. Logits, if any, are those of its last token.
absl::StatusOr<Work> Bench::readPrompt(const Sequences &sequences, int64_t tokens, int64_t depth,
                                       LogitRows rows) {
  std::vector<int32_t> prompt = tokensAt(depth, tokens);
  int64_t most = std::max<int64_t>(chunk / int64_t(sequences.size()), 1);
  Work work;
  for (int64_t done = 0; done < tokens;) {
    int64_t count = std::min(most, tokens - done);
    bool last = done + count == tokens;
    STRATA_ASSIGN(Work part, step(sequences, std::span(prompt).subspan(size_t(done), size_t(count)),
                                  last ? rows : LogitRows::none));
    work += part;
    done += count;
  }
  return work;
}

/// One token a step and sequence, each with its logits: the next token is chosen by them.
absl::StatusOr<Work> Bench::generate(const Sequences &sequences, int64_t tokens, int64_t depth) {
  Work work;
  for (int32_t token : tokensAt(depth, tokens)) {
    STRATA_ASSIGN(Work part, step(sequences, {&token, 1}, LogitRows::last));
    work += part;
  }
  return work;
}

/// Behind the first token, which a prompt's last step would have brought, each step brings one and
/// the drafts that are right. What the drafter knows of the text it has learned anew.
absl::StatusOr<Work> Bench::generateDrafted(Sequence sequence, int64_t tokens, int64_t depth) {
  std::vector<int32_t> all = tokensAt(0, depth),
                       next = tokensAt(depth, text.empty() ? 1 : tokens + 1);
  all.push_back(next[0]);
  DraftedSequence drafted(engine, sequence, drafter);
  const Sampler greedy({});
  Work work;
  for (int64_t done = 0; done < tokens;) {
    STRATA_ASSIGN(const StepResult result, drafted.step(all, tokens - done - 1, greedy));
    work += result.work;
    const std::span<const int32_t> guesses = drafted.drafts();
    size_t accepted = 0;
    for (;; ++accepted) {
      ++done;
      STRATA_ASSIGN(const int32_t likeliest, result.token(int64_t(accepted)));
      all.push_back(text.empty() ? likeliest : next[size_t(done)]);
      if (accepted == guesses.size() || guesses[accepted] != all.back())
        break;
    }
    STRATA_TRY(drafted.settle(int64_t(accepted)));
  }
  drafts += drafted.counts();
  return work;
}

/// The same tokens to each sequence: to speed they are all alike.
absl::StatusOr<Work> Bench::step(const Sequences &sequences, std::span<const int32_t> tokens,
                                 LogitRows rows) {
  std::vector<BatchEntry> batch;
  for (Sequence sequence : sequences)
    batch.push_back({sequence, tokens, rows});
  STRATA_ASSIGN(StepResult result, engine.step(batch));
  addTimes(engine.device(), kernels);
  return result.work;
}

} // namespace strata
