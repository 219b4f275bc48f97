//===- StrataScore.cpp - strata-score: how likely a model finds a text ----===//

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/Load.h"
#include "tools/command_line/Npy.h"
#include "tools/command_line/OutputFile.h"
#include "tools/command_line/TokenIds.h"
#include "tools/command_line/Tool.h"
#include "tools/score/CompareModels.h"
#include "tools/score/Pairs.h"
#include "tools/score/Perplexity.h"
#include "tools/score/Score.h"
#include "tools/score/ScoreOptions.h"
#include "tools/score/ScoreReport.h"

#include <algorithm>
#include <optional>
#include <sstream>

namespace strata {
namespace {

constexpr int64_t kDefaultWindow = 512;
constexpr uint64_t kMostTextBytes = 64 << 20;
constexpr uint64_t kMostPairBytes = uint64_t(1) << 30;

/// What is scored with, once the text is known to be good.
struct Loaded {
  Weights weights;
  std::unique_ptr<Engine> engine;

  static absl::StatusOr<Loaded> load(const EngineOptions &options, const Package &package,
                                     const std::string &folder, int64_t context) {
    STRATA_ASSIGN(Weights weights, loadWeights(package, folder));
    EngineOptions wanted = options;
    wanted.context = uint32_t(context);
    wanted.stepTokens = uint32_t(std::min(context, rowsAtOnce(package.model().vocabulary())));
    STRATA_ASSIGN(auto engine, openEngine(package, weights, wanted));
    return Loaded{std::move(weights), std::move(engine)};
  }
};

bool wantsBos(const ScoreOptions &options, const package::Model &model) {
  return model.add_bos() && !options.noBos;
}

//===----------------------------------------------------------------------===//
// Perplexity
//===----------------------------------------------------------------------===//

absl::StatusOr<std::vector<int32_t>> readTokens(const ScoreOptions &options, const Package &package,
                                                const Tokenizer &tokenizer) {
  STRATA_ASSIGN(std::string text, readText(options.text, kMostTextBytes));
  if (options.isIds)
    return parseIds(text, tokenizer, options.text);
  auto encoded = tokenizer.encode(text);
  if (!encoded.ok())
    return annotate(encoded.status(), options.text);
  if (encoded->empty())
    return absl::InvalidArgumentError(
        absl::StrCat(options.text, ": expected a text, found no token"));
  if (wantsBos(options, package.model()))
    encoded->insert(encoded->begin(), package.model().bos_token());
  return encoded;
}

absl::StatusOr<std::vector<Window>> chooseWindows(const ScoreOptions &options, size_t tokens,
                                                  int64_t context) {
  if (options.stride > context)
    return absl::InvalidArgumentError(
        absl::StrCat("--stride: expected at most -c, ", context, ", found ", options.stride));
  if (!options.stride && context < 3)
    return absl::InvalidArgumentError(
        absl::StrCat("-c: expected at least 3 tokens without --stride, found ", context));
  if (tokens < size_t(context))
    return absl::InvalidArgumentError(absl::StrCat(options.text, ": expected at least ", context,
                                                   " tokens (a window), found ", tokens,
                                                   "; a smaller -c needs less"));
  std::vector<Window> windows =
      options.stride ? stridedWindows(tokens, size_t(context), size_t(options.stride))
                     : chunkWindows(tokens, size_t(context));
  if (options.chunks && size_t(options.chunks) < windows.size())
    windows.resize(size_t(options.chunks));
  return windows;
}

/// What windows begin with in place of their first token.
std::optional<int32_t> windowBegin(const ScoreOptions &options, const package::Model &model) {
  return !options.stride && wantsBos(options, model) ? std::optional(model.bos_token())
                                                     : std::nullopt;
}

/// A file for the logits behind so many tokens, its header written.
absl::StatusOr<OutputFile> createLogits(const std::string &path, size_t tokens,
                                        int64_t vocabulary) {
  STRATA_ASSIGN(OutputFile file, OutputFile::create(path));
  const std::string header = npyHeader(tokens, uint64_t(vocabulary));
  STRATA_TRY(file.write(std::as_bytes(std::span(header))));
  return file;
}

/// Writes what is wanted of each window on the way: a line, logits into `file`.
absl::StatusOr<Perplexity> measure(Engine &engine, const ScoreOptions &options,
                                   std::span<const int32_t> tokens, std::span<const Window> windows,
                                   OutputFile *file, Console &console) {
  PerplexityOptions wanted{windowBegin(options, engine.model()), {}};
  if (file)
    wanted.logits = [&](std::span<const float> rows) { return file->write(std::as_bytes(rows)); };
  return measurePerplexity(engine, tokens, windows, wanted, [&](const WindowScores &scores) {
    console.progress(absl::StrFormat("window %d of %d: perplexity %.4f", scores.done,
                                     windows.size(), scores.soFar.value()));
    return options.format == ScoreFormat::tokens ? console.write(describeWindow(scores, tokens))
                                                 : absl::OkStatus();
  });
}

absl::Status scoreText(const ScoreOptions &options, const Package &package,
                       const Tokenizer &tokenizer, Console &console) {
  int64_t trained = package.model().context();
  int64_t context = options.context ? options.context : std::min(kDefaultWindow, trained);
  STRATA_ASSIGN(std::vector<int32_t> tokens, readTokens(options, package, tokenizer));
  STRATA_ASSIGN(std::vector<Window> windows, chooseWindows(options, tokens.size(), context));
  STRATA_ASSIGN(Loaded loaded, Loaded::load(options.engine, package, options.weights, context));
  std::optional<OutputFile> logits;
  if (!options.logits.empty()) {
    STRATA_ASSIGN(OutputFile file,
                  createLogits(options.logits, windows.back().end, package.model().vocabulary()));
    logits.emplace(std::move(file));
  }
  STRATA_ASSIGN(Perplexity result, measure(*loaded.engine, options, tokens, windows,
                                           logits ? &*logits : nullptr, console));
  if (logits)
    STRATA_TRY(logits->finish());
  return console.write(
      describeText(options.format, {options.text, context, options.stride}, tokens.size(), result));
}

//===----------------------------------------------------------------------===//
// Divergence
//===----------------------------------------------------------------------===//

/// The package of --kl, whose tokens must be those of the other.
absl::StatusOr<Package> openBase(const ScoreOptions &options, const Package &package,
                                 const Tokenizer &tokenizer) {
  const std::string place = absl::StrCat("--kl: ", options.base);
  STRATA_ASSIGN(Package base, openPackage(options.base, options.engine.device));
  const uint32_t wanted = package.model().vocabulary(), found = base.model().vocabulary();
  if (found != wanted)
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected a model of ", wanted, " tokens, found ", found));
  STRATA_ASSIGN(const std::unique_ptr<Tokenizer> pieces, loadTokenizer(base));
  STRATA_TRY(annotate(checkSamePieces(tokenizer, *pieces), place));
  return base;
}

absl::Status scoreDivergence(const ScoreOptions &options, const Package &package,
                             const Tokenizer &tokenizer, Console &console) {
  STRATA_ASSIGN(const Package base, openBase(options, package, tokenizer));
  const int64_t trained = std::min(package.model().context(), base.model().context());
  const int64_t context = options.context ? options.context : std::min(kDefaultWindow, trained);
  STRATA_ASSIGN(std::vector<int32_t> tokens, readTokens(options, package, tokenizer));
  STRATA_ASSIGN(std::vector<Window> windows, chooseWindows(options, tokens.size(), context));
  STRATA_ASSIGN(Loaded model, Loaded::load(options.engine, package, options.weights, context));
  STRATA_ASSIGN(Loaded other, Loaded::load(options.engine, base, options.baseWeights, context));
  const auto tell = [&](size_t done, const Divergence &soFar) {
    console.progress(
        absl::StrFormat("window %d of %d: KL %.6f", done, windows.size(), soFar.mean()));
    return absl::OkStatus();
  };
  STRATA_ASSIGN(const Divergence result,
                compareModels(*model.engine, *other.engine, tokens, windows,
                              windowBegin(options, package.model()), tell));
  return console.write(describeDivergence(options.format, {options.text, context, options.stride},
                                          tokens.size(), result));
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

/// All lines are read and encoded before the first is scored.
absl::StatusOr<std::vector<EncodedPair>> readPairs(const ScoreOptions &options,
                                                   const package::Model &model,
                                                   const Tokenizer &tokenizer, int64_t context) {
  STRATA_ASSIGN(std::string text, readText(options.pairs, kMostPairBytes));
  std::istringstream lines(text);
  std::vector<EncodedPair> pairs;
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    std::string place = absl::StrCat(options.pairs, ":", ++number);
    if (absl::StripAsciiWhitespace(line).empty())
      continue;
    STRATA_ASSIGN(Pair pair, parsePair(line, place));
    auto encoded = encodePair(tokenizer, model, pair, wantsBos(options, model), size_t(context));
    if (!encoded.ok())
      return annotate(encoded.status(), place);
    pairs.push_back(*std::move(encoded));
  }
  if (pairs.empty())
    return absl::InvalidArgumentError(
        absl::StrCat(options.pairs, ": expected at least 1 line, found none"));
  return pairs;
}

absl::Status scorePairs(const ScoreOptions &options, const Package &package,
                        const Tokenizer &tokenizer, Console &console) {
  int64_t context = options.context ? options.context : package.model().context();
  STRATA_ASSIGN(std::vector<EncodedPair> pairs,
                readPairs(options, package.model(), tokenizer, context));
  STRATA_ASSIGN(Loaded loaded, Loaded::load(options.engine, package, options.weights, context));
  Scorer scorer(*loaded.engine);
  for (size_t i = 0; i < pairs.size(); ++i) {
    console.progress(absl::StrFormat("pair %d of %d", i + 1, pairs.size()));
    STRATA_ASSIGN(PairScore score, scorePair(scorer, pairs[i]));
    STRATA_TRY(console.write(describePair(options.format, pairs[i], score)));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> run(const ScoreOptions &options, Console &console) {
  STRATA_ASSIGN(Package package, openPackage(options.package, options.engine.device));
  STRATA_ASSIGN(std::unique_ptr<Tokenizer> tokenizer, loadTokenizer(package));
  int64_t trained = package.model().context();
  if (options.context > trained)
    console.note(absl::StrCat("context ", options.context, " is more than the ", trained,
                              " tokens the model was trained on"));
  const auto score = !options.pairs.empty()  ? scorePairs
                     : !options.base.empty() ? scoreDivergence
                                             : scoreText;
  STRATA_TRY(score(options, package, *tokenizer, console));
  return 0;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  ScoreOptions options;
  return runMain({.program = "strata-score",
                  .usage = "model.strata -f TEXT [--kl BASE.strata] | --pairs FILE  [options]",
                  .about = kAboutScore,
                  .options = tableOf(options),
                  .path = options.package,
                  .engine = &options.engine,
                  .check = [&] { return check(options); },
                  .run = [&](Console &console) { return run(options, console); }},
                 argc, argv);
}
