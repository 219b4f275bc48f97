//===- GoldenCheck.cpp - strata-golden: a package against golden logits ---===//
//
// strata-golden PACKAGE GOLDEN.safetensors runs the sequences of a golden file (README.md) and
// prints the error of the logits beside that of transformers' own bf16 run. Exit status 1 if ours
// is more than 1.2 times theirs, or anything is not a number. Where the yardstick is a run with
// rounded inputs, there is a second one, with inputs as they are: 1.6 times that.
//
//===----------------------------------------------------------------------===//

#include "absl/strings/numbers.h"
#include "runtime/OpenEngine.h"
#include "runtime/base/Json.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Safetensors.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/StandardFiles.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

namespace strata {
namespace {

// README.md says why these.
constexpr double kMostRatio = 1.2, kMostRatioToExactInputs = 1.6;

constexpr const char *kExactInputs = "hf_bf16_error_exact_inputs";

struct Options {
  std::string package, golden;
  int64_t threads = 0, chunk = 1 << 24;
  bool together = false;
  std::string target, device = "cpu";
};

struct GoldenSequence {
  std::vector<int32_t> tokens; // [n]
  std::vector<int32_t> rows;   // [r]: the tokens whose logits are known, ascending
  std::vector<float> logits;   // [r, vocabulary]
};

struct Golden {
  std::vector<GoldenSequence> sequences;
  double theirError;
  std::optional<double> exactInputsError; // where theirs is of rounded inputs
};

template <typename T>
absl::StatusOr<std::vector<T>> read(const Checkpoint &file, const std::string &key, DType dtype) {
  const CheckpointTensor *tensor = file.find(key);
  if (!tensor)
    return absl::NotFoundError(absl::StrCat(key, ": expected a tensor, found none"));
  STRATA_TRY(file.require(key, tensor->shape, {&dtype, 1}).status());
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

absl::StatusOr<double> readError(const JsonObject &metadata, const char *key) {
  STRATA_ASSIGN(std::string_view spelled, metadata.string(key));
  double error;
  if (!absl::SimpleAtod(std::string(spelled), &error) || !(error > 0))
    return metadata.error(key, "expected a positive number");
  return error;
}

absl::Status readErrors(const Checkpoint &file, Golden &golden) {
  std::span<const std::byte> header = file.files()[0].header[0].subspan(8);
  STRATA_ASSIGN(JsonDocument document,
                JsonDocument::parse({reinterpret_cast<const char *>(header.data()), header.size()},
                                    file.files()[0].path));
  STRATA_ASSIGN(JsonObject root, document.object());
  STRATA_ASSIGN(JsonObject metadata, root.object("__metadata__"));
  STRATA_ASSIGN(golden.theirError, readError(metadata, "hf_bf16_error"));
  if (metadata.find(kExactInputs)) {
    STRATA_ASSIGN(golden.exactInputsError, readError(metadata, kExactInputs));
  }
  return absl::OkStatus();
}

absl::StatusOr<Golden> readGolden(const std::string &path) {
  std::filesystem::path full(path);
  Checkpoint file;
  STRATA_TRY(readSafetensors(full.parent_path().string(), full.filename().string(), file));
  Golden golden;
  STRATA_TRY(readErrors(file, golden));
  for (int s = 0; file.find(absl::StrCat("tokens.", s)); ++s) {
    GoldenSequence sequence;
    STRATA_ASSIGN(sequence.tokens, read<int32_t>(file, absl::StrCat("tokens.", s), DType::i32));
    STRATA_ASSIGN(sequence.rows, read<int32_t>(file, absl::StrCat("rows.", s), DType::i32));
    STRATA_ASSIGN(sequence.logits, read<float>(file, absl::StrCat("logits.", s), DType::f32));
    golden.sequences.push_back(std::move(sequence));
  }
  if (golden.sequences.empty())
    return absl::NotFoundError(absl::StrCat(path, ": tokens.0: expected a tensor, found none"));
  return golden;
}

/// Runs sequences and sums up how far their logits are from the golden ones.
class Comparison {
public:
  Comparison(Engine &engine, int64_t chunk) : engine(engine), chunk(size_t(chunk)) {}

  /// Runs the sequences side by side, in steps of at most `chunk` tokens each.
  absl::Status run(std::span<const GoldenSequence> sequences);

  double error() const { return std::sqrt(difference / norm); }
  bool allNumbers() const { return numbers; }

private:
  /// A sequence and how much of it is done.
  struct Progress {
    const GoldenSequence *golden;
    Sequence sequence;
    size_t tokens = 0, rows = 0;

    std::span<const int32_t> next(size_t most) const {
      std::span<const int32_t> left = std::span(golden->tokens).subspan(tokens);
      return left.first(std::min(most, left.size()));
    }
  };

  absl::Status step(std::vector<Progress> &all);
  absl::Status compareRows(const StepResult &result, int64_t first, Progress &progress,
                           size_t size);
  absl::Status compareRow(std::span<const float> ours, const GoldenSequence &golden, size_t row);

  Engine &engine;
  const size_t chunk;
  double difference = 0, norm = 0; // sums of squares
  bool numbers = true;
};

absl::Status Comparison::run(std::span<const GoldenSequence> sequences) {
  std::vector<Progress> all;
  for (const GoldenSequence &golden : sequences)
    all.push_back({&golden, engine.open()});
  auto unfinished = [](const Progress &p) { return p.tokens < p.golden->tokens.size(); };
  while (std::any_of(all.begin(), all.end(), unfinished))
    STRATA_TRY(step(all));
  for (const Progress &progress : all)
    STRATA_TRY(engine.close(progress.sequence));
  return absl::OkStatus();
}

absl::Status Comparison::step(std::vector<Progress> &all) {
  std::vector<BatchEntry> batch;
  for (const Progress &progress : all)
    if (std::span<const int32_t> tokens = progress.next(chunk); !tokens.empty())
      batch.push_back({progress.sequence, tokens, LogitRows::all});
  STRATA_ASSIGN(StepResult result, engine.step(batch));
  int64_t first = 0;
  for (Progress &progress : all) {
    size_t size = progress.next(chunk).size();
    STRATA_TRY(compareRows(result, first, progress, size));
    first += int64_t(size);
  }
  return absl::OkStatus();
}

/// The step's rows from `first` on are those of `size` tokens of this sequence.
absl::Status Comparison::compareRows(const StepResult &result, int64_t first, Progress &progress,
                                     size_t size) {
  const GoldenSequence &golden = *progress.golden;
  for (; progress.rows < golden.rows.size(); ++progress.rows) {
    auto token = size_t(golden.rows[progress.rows]);
    if (token >= progress.tokens + size)
      break;
    STRATA_TRY(
        compareRow(result.row(first + int64_t(token - progress.tokens)), golden, progress.rows));
  }
  progress.tokens += size;
  return absl::OkStatus();
}

absl::Status Comparison::compareRow(std::span<const float> ours, const GoldenSequence &golden,
                                    size_t row) {
  if (golden.logits.size() != golden.rows.size() * ours.size())
    return absl::InvalidArgumentError(absl::StrCat("logits: expected ", golden.rows.size(),
                                                   " rows of ", ours.size(), ", found ",
                                                   golden.logits.size(), " values"));
  for (size_t i = 0; i < ours.size(); ++i) {
    double theirs = golden.logits[row * ours.size() + i], distance = ours[i] - theirs;
    difference += distance * distance;
    norm += theirs * theirs;
    numbers = numbers && std::isfinite(ours[i]);
  }
  return absl::OkStatus();
}

uint32_t longest(const Golden &golden) {
  size_t most = 1;
  for (const GoldenSequence &sequence : golden.sequences)
    most = std::max(most, sequence.tokens.size());
  return uint32_t(most);
}

/// Prints our error beside theirs; whether it is small enough.
bool judge(const Comparison &ours, double theirs, double most, const char *what,
           const std::string &target) {
  const double ratio = ours.error() / theirs;
  const bool good = ours.allNumbers() && ratio <= most;
  printf("%s: error %.2e, %s %.2e, ratio %.2f", target.c_str(), ours.error(), what, theirs, ratio);
  if (!ours.allNumbers())
    printf(": not all logits are numbers");
  else if (!good)
    printf(": more than %.1f", most);
  printf("\n");
  return good;
}

bool judge(const Comparison &ours, const Golden &golden, const std::string &target) {
  const bool good = judge(ours, golden.theirError, kMostRatio, "hf bf16", target);
  return (!golden.exactInputsError || judge(ours, *golden.exactInputsError, kMostRatioToExactInputs,
                                            "hf bf16 of exact inputs", target)) &&
         good;
}

absl::StatusOr<bool> check(const Options &options) {
  STRATA_ASSIGN(Golden golden, readGolden(options.golden));
  STRATA_ASSIGN(Package package, Package::open(options.package));
  STRATA_ASSIGN(Weights weights, Weights::fromPackage(package));
  EngineOptions engineOptions{.threads = int(options.threads),
                              .target = options.target,
                              .context = longest(golden),
                              .sequences = uint32_t(golden.sequences.size()),
                              .poison = true,
                              .device = options.device};
  STRATA_ASSIGN(auto engine, openEngine(package, weights, engineOptions));
  Comparison comparison(*engine, options.chunk);
  if (options.together)
    STRATA_TRY(comparison.run(golden.sequences));
  for (size_t s = 0; s < golden.sequences.size() && !options.together; ++s)
    STRATA_TRY(comparison.run(std::span(golden.sequences).subspan(s, 1)));
  return judge(comparison, golden, engine->target());
}

int run(int argc, char **argv) {
  const std::string program = "strata-golden";
  if (absl::Status reserved = reserveStandardFiles(); !reserved.ok())
    return reportError(program, reserved);
  Options options;
  bool help = false;
  CommandLine commandLine(
      program, "PACKAGE GOLDEN.safetensors [options]",
      "Runs golden sequences and compares the logits with those of transformers.",
      {{"threads", "N", "threads; default: all CPUs", setInteger(options.threads, 1, 1024)},
       {"chunk", "N", "most new tokens of a sequence in a step; default: all",
        setInteger(options.chunk, 1, 1 << 24)},
       {"together", "", "all sequences in the same steps", setFlag(options.together)},
       {"code", "TARGET", "code to run, e.g. x86-64-v3", setText(options.target)},
       {"device", "D", "cpu, the default, or cuda[:N]", setDevice(options.device)},
       {"help", "", "this text", setFlag(help)}});
  auto arguments = commandLine.parse(argc, argv);
  if (arguments.ok() && help)
    return printf("%s", commandLine.help().c_str()), 0;
  if (arguments.ok() && arguments->size() != 2)
    arguments = absl::InvalidArgumentError("expected a package and a golden file");
  if (!arguments.ok())
    return reportUsage(program, arguments.status());
  options.package = (*arguments)[0];
  options.golden = (*arguments)[1];
  absl::StatusOr<bool> good = check(options);
  if (!good.ok())
    return reportError(program, good.status());
  return *good ? 0 : 1;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) { return strata::run(argc, argv); }
