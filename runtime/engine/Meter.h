//===- Meter.h - what a device's hardware can do at most --------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <string>

namespace strata {

/// Measures the ceilings that a figure of speed is quoted beside, on a device between its steps.
class Meter {
public:
  virtual ~Meter() = default;

  /// The rate, in bytes a second, of a mere read of the parameters that every step streams, where
  /// they are, at most `mostBytes` a pass, for about `seconds`; 0 where it cannot be measured.
  virtual absl::StatusOr<double> measureRead(uint64_t mostBytes, double seconds) = 0;
  /// The peak of the best instruction for products, FLOP a second; 0 where it cannot be measured.
  virtual absl::StatusOr<double> measureFlops() = 0;
  /// The name of that instruction: "vdpbf16ps zmm".
  virtual std::string flopInstruction() const = 0;
};

} // namespace strata
