//===- Workload.cpp - what a load is made of ------------------------------===//

#include "tools/load/Workload.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Philox.h"
#include "runtime/base/Status.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/Tool.h"

#include <cmath>
#include <optional>

namespace strata::load {
namespace {

constexpr uint64_t kMostFileBytes = 64 << 20;

std::optional<RequestSize> parseSize(const std::string &line) {
  const std::vector<std::string> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.size() != 2)
    return std::nullopt;
  const auto prompt = parseInteger(words[0], 1, kMostTokens),
             output = parseInteger(words[1], 1, kMostTokens);
  return prompt.ok() && output.ok() ? std::optional<RequestSize>({*prompt, *output}) : std::nullopt;
}

} // namespace

absl::StatusOr<Lengths> parseLengths(const std::string &text) {
  const std::vector<std::string> ends = absl::StrSplit(text, absl::MaxSplits(':', 1));
  STRATA_ASSIGN(const int64_t least, parseInteger(ends.front(), 1, kMostTokens));
  STRATA_ASSIGN(const int64_t most, parseInteger(ends.back(), least, kMostTokens));
  return Lengths{least, most};
}

absl::StatusOr<std::vector<RequestSize>> readSizes(const std::string &path) {
  STRATA_ASSIGN(const std::string text, readFile(path, kMostFileBytes));
  std::vector<RequestSize> sizes;
  int64_t number = 0;
  for (const std::string &line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty())
      continue;
    const std::optional<RequestSize> size = parseSize(line);
    if (!size)
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": expected two whole numbers from 1 to ", kMostTokens,
                       ", found \"", absl::StripAsciiWhitespace(line), "\""));
    sizes.push_back(*size);
  }
  if (sizes.empty())
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected lines of two numbers, found none"));
  return sizes;
}

Workload::Workload(WorkloadOptions given) : options(std::move(given)) {
  double time = 0;
  for (int64_t i = 0; options.rate > 0 && i < options.requests; ++i) {
    times.push_back(time);
    time -= std::log1p(-draw(Purpose::interval, i)) / options.rate;
  }
}

/// Positions differ between purposes, requests and, of a prompt, tokens.
double Workload::draw(Purpose purpose, int64_t request, int64_t index) const {
  return philoxUniform(options.seed,
                       uint64_t(purpose) << 60 | uint64_t(request) << 30 | uint64_t(index));
}

int64_t Workload::drawLength(Purpose purpose, int64_t request, const Lengths &lengths) const {
  return lengths.least + int64_t(draw(purpose, request) * double(lengths.most - lengths.least + 1));
}

RequestSize Workload::size(int64_t request) const {
  if (!options.sizes.empty())
    return options.sizes[size_t(request) % options.sizes.size()];
  return {drawLength(Purpose::promptLength, request, options.prompt),
          drawLength(Purpose::outputLength, request, options.output)};
}

std::vector<int32_t> Workload::prompt(int64_t request) const {
  std::vector<int32_t> tokens(size_t(size(request).prompt));
  const int64_t common = request < options.requests ? options.prefix : 0;
  for (int64_t i = 0; i < int64_t(tokens.size()); ++i) {
    const double random =
        i < common ? draw(Purpose::prefixToken, 0, i) : draw(Purpose::token, request, i);
    tokens[size_t(i)] = int32_t(random * double(options.vocabulary));
  }
  return tokens;
}

} // namespace strata::load
