//===- SelectCode.h - which machine code a GPU can run ----------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/Package.h"

#include <compare>
#include <optional>
#include <string>

namespace strata::cuda {

/// A GPU's compute capability; 0.0 is the simulator's.
struct Capability {
  int major = 0, minor = 0;
  auto operator<=>(const Capability &) const = default;
  std::string toString() const;
};

/// Which machines the code of a target is for.
struct CodeTarget {
  Capability capability;
  bool later; // it runs on later ones, too
};

/// "sm_80", "sm_90a", "sm_80.ptx", "sim" or "sim_90a" (the simulator with the kernels of sm_90a);
/// nothing if it is none of them.
std::optional<CodeTarget> parseTarget(absl::string_view target, package::CodeFormat format);

/// A code object and the program it belongs to.
struct SelectedCode {
  const package::Program *program;
  const package::CodeObject *code;
};

/// The package's best code for a GPU: machine code for exactly its capability, else the PTX of the
/// latest capability that is not later. With a non-empty `target`, only the one of that name. The
/// error tells what there is and what `device` ("cuda:0 (NVIDIA L4)") is.
absl::StatusOr<SelectedCode> selectCode(const Package &package, Capability capability,
                                        const std::string &device, const std::string &target);

} // namespace strata::cuda
