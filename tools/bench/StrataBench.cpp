//===- StrataBench.cpp - strata-bench: how fast a package runs ------------===//

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "tools/bench/Bench.h"
#include "tools/bench/BenchReport.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/Drafts.h"
#include "tools/command_line/Tool.h"

#include <algorithm>

namespace strata {
namespace {

constexpr int64_t kMostSequences = 1 << 12;

struct BenchOptions {
  std::string package;
  std::vector<int64_t> prompts = {512}, generated = {128}, depths = {0}, batches = {1};
  int64_t repetitions = 5, chunk = 512;
  BenchFormat format = BenchFormat::markdown;
  bool randomWeights = false, perKernel = false;
  std::string drafts = "off", idsFile; // as loadDrafts takes it; empty: none
  std::vector<int32_t> ids = {};       // of the file
  EngineOptions engine;                // device, threads and target
};

constexpr const char *kAbout =
    "Measures prompts (pp) and generation (tg), each beside what the machine can do at most: a\n"
    "mere read of the same weights and the peak of its dot-product instruction, both measured\n"
    "between the repetitions. Lengths beyond the model's context are allowed.";

std::vector<Option> tableOf(BenchOptions &options) {
  return {{"p", "N,...", "prompt lengths; default 512; 0: none",
           setIntegers(options.prompts, 0, kMostTokens)},
          {"n", "N,...", "tokens to generate; default 128; 0: none",
           setIntegers(options.generated, 0, kMostTokens)},
          {"d", "N,...", "tokens of context before the test; default 0",
           setIntegers(options.depths, 0, kMostTokens)},
          {"b", "N,...", "sequences that are in a step together; default 1",
           setIntegers(options.batches, 1, kMostSequences)},
          {"r", "N", "repetitions; default 5", setInteger(options.repetitions, 1, 1000)},
          {"o", "FORMAT", "md, the default, csv or json",
           setChoice(options.format, {{"md", BenchFormat::markdown},
                                      {"csv", BenchFormat::csv},
                                      {"json", BenchFormat::json}})},
          {"per-kernel", "", "the share of each kernel too, timed one by one; with md and json",
           setFlag(options.perKernel)},
          {"random-weights", "", "no checkpoint: normally distributed weights in memory",
           setFlag(options.randomWeights)},
          draftsOption(options.drafts),
          {"ids", "FILE",
           "token ids of a text that is followed instead of what the model would write: the last N "
           "of -n are generated, those before are the context; no prompts are measured",
           setText(options.idsFile)},
          {"chunk", "N", "prompt tokens a step, of all sequences together; default 512",
           setInteger(options.chunk, 1, kMostTokens)}};
}

absl::Status readIds(BenchOptions &options, uint32_t vocabulary) {
  STRATA_ASSIGN(const std::string text, readFile(options.idsFile, kMostTokens * 16));
  for (absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" ,[]\n\r\t"), absl::SkipEmpty())) {
    uint32_t id;
    if (!absl::SimpleAtoi(word, &id) || id >= vocabulary)
      return absl::InvalidArgumentError(absl::StrCat(options.idsFile, ": expected ids from 0 to ",
                                                     vocabulary - 1, ", found ",
                                                     quote(std::string(word))));
    options.ids.push_back(int32_t(id));
  }
  const int64_t wanted = *std::ranges::max_element(options.generated) + 2;
  if (int64_t(options.ids.size()) < wanted)
    return absl::InvalidArgumentError(absl::StrCat(options.idsFile, ": expected at least ", wanted,
                                                   " ids with this -n, found ",
                                                   options.ids.size()));
  return absl::OkStatus();
}

/// Of a text that is followed: behind a token of context and more, and the token that its last step
/// would have brought.
std::vector<BenchTest> testsOfText(const BenchOptions &options) {
  std::vector<BenchTest> tests;
  for (int64_t tokens : options.generated)
    if (tokens > 0)
      tests.push_back({true, tokens, int64_t(options.ids.size()) - tokens - 1, 1});
  return tests;
}

/// The grid: for each depth and batch, the prompts and then the generations.
std::vector<BenchTest> testsOf(const BenchOptions &options) {
  if (!options.ids.empty())
    return testsOfText(options);
  std::vector<BenchTest> tests;
  for (int64_t depth : options.depths)
    for (int64_t batch : options.batches)
      for (bool generate : {false, true})
        for (int64_t tokens : generate ? options.generated : options.prompts)
          if (tokens > 0)
            tests.push_back({generate, tokens, depth, batch});
  return tests;
}

int64_t longest(const std::vector<BenchTest> &tests) {
  int64_t most = 0;
  for (const BenchTest &test : tests)
    most = std::max(most, test.tokens + test.depth);
  return most;
}

absl::StatusOr<std::vector<BenchRow>> runTests(const BenchOptions &options, Bench &bench,
                                               Console &console) {
  std::vector<BenchRow> rows;
  for (const BenchTest &test : testsOf(options)) {
    STRATA_ASSIGN(BenchRow row, bench.run(test, options.repetitions, [&](int64_t repetition) {
      console.progress(
          absl::StrFormat("%s: %d of %d", test.name(), repetition + 1, options.repetitions));
    }));
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<int> run(BenchOptions &options, Console &console) {
  STRATA_ASSIGN(Package package, openPackage(options.package, options.engine.device));
  const package::Model &model = package.model();
  if (!options.idsFile.empty())
    STRATA_TRY(readIds(options, model.vocabulary()));
  STRATA_ASSIGN(const auto drafts,
                loadDrafts(options.drafts, package, options.engine, options.randomWeights));
  int64_t context = longest(testsOf(options)) + (options.drafts == "off" ? 0 : 1);
  if (context > model.context())
    console.note(absl::StrCat("up to ", context, " tokens are measured, the model was trained on ",
                              model.context(), "; its speed does not mind"));
  if (options.randomWeights)
    console.progress("random weights");
  STRATA_ASSIGN(Weights weights, options.randomWeights ? Weights::random(package, 1)
                                                       : Weights::fromPackage(package));
  int64_t sequences = *std::max_element(options.batches.begin(), options.batches.end());
  EngineOptions engineOptions = options.engine;
  engineOptions.context = uint32_t(context);
  engineOptions.sequences = uint32_t(sequences);
  engineOptions.stepTokens =
      uint32_t(std::max(sequences, std::min(options.chunk, context * sequences)));
  STRATA_ASSIGN(auto engine, openEngine(package, weights, engineOptions));
  STRATA_ASSIGN(const std::unique_ptr<Drafter> drafter, openDrafter(*drafts, engineOptions));
  Bench bench(*engine, options.chunk);
  bench.follow(options.ids);
  bench.draftBy(drafter.get());
  if (options.perKernel)
    bench.timeKernels();
  STRATA_ASSIGN(std::vector<BenchRow> rows, runTests(options, bench, console));
  BenchSetup setup{textOf(model.name()),
                   engine->target(),
                   model.parameter_count(),
                   weights.bytes(),
                   engine->device().threads(),
                   options.randomWeights,
                   engine->device().meter().flopInstruction()};
  STRATA_TRY(console.write(formatBench(options.format, setup, rows)));
  return 0;
}

absl::Status check(const BenchOptions &options) {
  if (options.perKernel && options.format == BenchFormat::csv)
    return absl::InvalidArgumentError("--per-kernel: expected -o md or json, found csv");
  if (options.drafts != "off" && options.perKernel)
    return absl::InvalidArgumentError("--per-kernel: expected --drafts off, found drafts");
  if ((options.drafts != "off" || !options.idsFile.empty()) &&
      options.batches != std::vector<int64_t>{1})
    return absl::InvalidArgumentError("-b: expected 1 with --drafts and --ids, found others");
  if (!options.idsFile.empty() && std::ranges::max(options.generated) == 0)
    return absl::InvalidArgumentError("-n: expected at least 1 with --ids, found 0");
  if (testsOf(options).empty())
    return absl::InvalidArgumentError("expected -p or -n with something to measure, found only 0");
  if (longest(testsOf(options)) > kMostTokens)
    return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMostTokens,
                                                   " tokens, found ", longest(testsOf(options))));
  return absl::OkStatus();
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  BenchOptions options;
  return runMain({.program = "strata-bench",
                  .usage = "model.strata [options]",
                  .about = kAbout,
                  .options = tableOf(options),
                  .path = options.package,
                  .engine = &options.engine,
                  .check = [&] { return check(options); },
                  .run = [&](Console &console) { return run(options, console); }},
                 argc, argv);
}
