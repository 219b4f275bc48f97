//===- EngineFacts.h - what a server tells of its engine --------*- C++ -*-===//
#pragma once

#include "runtime/package/Package.h"

#include <cstdint>
#include <string>

namespace strata::serving {

/// What does not change while a scheduler lives.
struct EngineFacts {
  const package::Program *program = nullptr; // of the package, which the device runs
  std::string target;                        // of its code: "x86-64-v4-bf16"
  int threads = 0;                           // of the host that work on a step; 0: it is not theirs
  int64_t context = 0;                       // most tokens of a text
  int64_t stepTokens = 0, mostRunning = 0;   // as SchedulerOptions has them
};

/// What the device can do at most: the best that was measured.
struct Ceilings {
  double read = 0;         // bytes a second of a mere read of the weights; 0: not to be measured
  double flops = 0;        // FLOP a second of the best instruction; 0: not to be measured
  std::string instruction; // its name
};

} // namespace strata::serving
