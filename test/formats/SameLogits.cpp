//===- SameLogits.cpp - packages that compute the same, bit for bit -------===//
//
// strata-same-logits PACKAGE PACKAGE...   runs a prompt of 70 tokens and five single ones through
// each, and compares all logits with those of the first.
//
//===----------------------------------------------------------------------===//

#include "runtime/OpenEngine.h"
#include "runtime/base/Status.h"

#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

using namespace strata;

namespace {

constexpr int32_t kPromptTokens = 70; // more than a page
constexpr int32_t kSingleTokens = 5;

absl::StatusOr<std::vector<float>> computeLogits(const char *path) {
  STRATA_ASSIGN(Package package, Package::open(path));
  STRATA_ASSIGN(Weights weights, Weights::fromPackage(package));
  EngineOptions options;
  options.context = kPromptTokens + kSingleTokens;
  STRATA_ASSIGN(auto engine, openEngine(package, weights, options));
  const int32_t vocabulary = int32_t(package.model().vocabulary());
  std::vector<int32_t> tokens(kPromptTokens + kSingleTokens);
  for (size_t i = 0; i != tokens.size(); ++i)
    tokens[i] = int32_t(i * 7 % size_t(vocabulary));
  const Sequence sequence = engine->open();
  std::vector<float> logits;
  for (size_t done = 0, size = kPromptTokens; done != tokens.size(); done += size, size = 1) {
    const BatchEntry entry{sequence, std::span(tokens).subspan(done, size), LogitRows::all};
    STRATA_ASSIGN(const StepResult result, engine->step({&entry, 1}));
    logits.insert(logits.end(), result.logits.begin(), result.logits.end());
  }
  return logits;
}

/// The spread of the values; a model that computes zeros would agree with any other.
double varianceOf(const std::vector<float> &values) {
  double sum = 0, squares = 0;
  for (const float value : values)
    sum += value, squares += double(value) * value;
  const double mean = sum / double(values.size());
  return squares / double(values.size()) - mean * mean;
}

absl::Status compare(std::span<char *const> packages) {
  STRATA_ASSIGN(const std::vector<float> expected, computeLogits(packages[0]));
  if (!(varianceOf(expected) > 0.1))
    return absl::InternalError(absl::StrCat(packages[0], ": logits hardly differ from each other"));
  for (const char *package : packages.subspan(1)) {
    STRATA_ASSIGN(const std::vector<float> found, computeLogits(package));
    if (found.size() != expected.size())
      return absl::InternalError(
          absl::StrCat(package, ": expected ", expected.size(), " logits, found ", found.size()));
    for (size_t i = 0; i != found.size(); ++i)
      if (std::memcmp(&found[i], &expected[i], sizeof(float)) != 0)
        return absl::InternalError(absl::StrCat(package, ": logit ", i, ": expected ", expected[i],
                                                " as of ", packages[0], ", found ", found[i]));
  }
  return absl::OkStatus();
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "expected two packages or more\n");
    return 2;
  }
  const absl::Status status = compare({argv + 1, size_t(argc) - 1});
  if (!status.ok())
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
