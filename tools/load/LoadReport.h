//===- LoadReport.h - what a load measured ----------------------*- C++ -*-===//
#pragma once

#include "tools/load/LoadRun.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::load {

/// What a request should take at most, in seconds; none: it may take any time.
struct Goals {
  std::optional<double> firstText = {}, perToken = {}, whole = {};

  bool any() const { return firstText || perToken || whole; }
};

/// What is the same for all requests.
struct LoadSetup {
  std::string url = {}, model = {};
  int64_t clients = 0; // at a time; 0: at `rate`
  double rate = 0;     // requests a second
  Goals goals = {};
};

/// Of many times, in seconds; NaN if there are none.
struct Spread {
  double mean, median, p99;
};
/// Between two values, quantiles are interpolated.
Spread spreadOf(std::vector<double> seconds);

/// All but `failed` is of requests that succeeded.
struct LoadFigures {
  int64_t requests, failed;
  int64_t promptTokens, cachedTokens, generatedTokens;
  int64_t askedTokens;  // to be generated
  int64_t countedTexts; // requests whose generated tokens the server did not tell: chunks of text
                        // were counted instead
  double seconds;       // from the first request to the last answer
  double tokensPerText; // generated tokens in a chunk of text, on average; NaN: no text came
  double withinGoals;   // requests a second; NaN: no goal was set
  Spread firstText;     // from a request to its first text
  Spread betweenTexts;  // from one chunk of text to the next, of all requests together
  Spread perToken;      // of each request, a token after the first text
  Spread whole;         // from a request to the end of its answer
};
LoadFigures figuresOf(const LoadSetup &setup, const std::vector<RequestResult> &results);

enum class LoadFormat { markdown, json };
std::string formatLoad(LoadFormat format, const LoadSetup &setup,
                       const std::vector<RequestResult> &results);

} // namespace strata::load
