//===- Options.h - how to simulate ------------------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace strata::simulator {

/// README.md says what each means.
struct Options {
  bool randomSchedule = false;
  bool races = false;
  bool lazyStreams = false;
  uint64_t seed = 1;
  size_t memoryBytes = size_t(4) << 30;

  /// From the environment. False, and why in `problem`, if a variable has a value that it cannot
  /// have.
  static bool read(Options &options, std::string &problem);
};

} // namespace strata::simulator
