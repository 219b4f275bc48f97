//===- OpenEngine.h - an engine on a device of this machine -----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"
#include "runtime/package/Package.h"
#include "runtime/package/Weights.h"

#include <cstdint>
#include <memory>
#include <string>

namespace strata {

struct EngineOptions {
  int threads = 0; // 0: one for each CPU this process may use
  std::string target =
      {};                 // of the code to run ("x86-64-v3", "sm_80.ptx"); empty: the best that can
  uint32_t context = 0;   // most tokens of a sequence; 0: what the model was trained on
  uint32_t sequences = 1; // the KV cache has room for this many of `context` tokens
  bool poison = false;    // for tests: arena, logits and fresh pages hold NaN before each step, and
                          // a kernel that writes behind arena or logits is an error
  bool batchInvariant = false; // a row's logits have the same bits whatever else is in its steps
                               // and however its text is cut into them, on one kind of machine
  std::string device = "cpu";  // as parseDeviceName (Devices.h) takes it
  uint32_t stepTokens = 512;   // cuda: memory is set aside for steps of this many tokens; larger
                               // ones take more when they come
};

/// An engine without sequences. Package and weights must outlive it.
absl::StatusOr<std::unique_ptr<Engine>> openEngine(const Package &package, const Weights &weights,
                                                   const EngineOptions &options);

} // namespace strata
