//===- GpuTarget.h - what the target of a GPU's code says -------*- C++ -*-===//
//
// The names that the programs of cuda give their code: which GPUs can run it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/strings/string_view.h"
#include "runtime/package/Package_generated.h"

#include <compare>
#include <optional>
#include <string>

namespace strata {

/// A GPU's compute capability; 0.0 is the simulator's.
struct Capability {
  int major = 0, minor = 0;
  auto operator<=>(const Capability &) const = default;
  std::string toString() const;
};

/// Which machines the code of a target is for.
struct GpuTarget {
  Capability capability;
  bool later; // it runs on later ones, too
};

/// "sm_80", "sm_90a", "sm_80.ptx", "sim" or "sim_90a" (the simulator with the kernels of sm_90a);
/// nothing if it is none of them.
std::optional<GpuTarget> parseGpuTarget(absl::string_view target, package::CodeFormat format);

} // namespace strata
