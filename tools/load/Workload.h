//===- Workload.h - what a load is made of ----------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::load {

/// Numbers of tokens: each from `least` to `most` is as likely as the others.
struct Lengths {
  int64_t least, most;
};

/// "512", or "128:1024"; at least 1.
absl::StatusOr<Lengths> parseLengths(const std::string &text);

/// Tokens of a request.
struct RequestSize {
  int64_t prompt, output;
};

/// The lines of a file, two whole numbers each. INVALID_ARGUMENT names the first that is not.
absl::StatusOr<std::vector<RequestSize>> readSizes(const std::string &path);

struct WorkloadOptions {
  int64_t requests = 100;
  Lengths prompt = {512, 512}, output = {128, 128};
  std::vector<RequestSize> sizes =
      {};                    // instead, taken in order and again from the start; empty: none
  int64_t prefix = 0;        // first tokens that all prompts have in common
  int64_t vocabulary = 1000; // ids are below
  double rate = 0;           // requests a second, at random times; 0: none is due at a time
  uint64_t seed = 0;
};

/// Requests by their numbers, from 0; the same for the same options. Those behind the last are for
/// warming up: like the others, but without the common prefix.
class Workload {
public:
  explicit Workload(WorkloadOptions options);

  int64_t requests() const { return options.requests; }
  RequestSize size(int64_t request) const;
  /// Token ids.
  std::vector<int32_t> prompt(int64_t request) const;
  /// Seconds after the first could come: intervals are distributed exponentially.
  double due(int64_t request) const { return times[size_t(request)]; }

private:
  enum class Purpose : uint32_t { promptLength, outputLength, interval, token, prefixToken };
  double draw(Purpose purpose, int64_t request, int64_t index = 0) const;
  int64_t drawLength(Purpose purpose, int64_t request, const Lengths &lengths) const;

  const WorkloadOptions options;
  std::vector<double> times; // none without a rate
};

} // namespace strata::load
