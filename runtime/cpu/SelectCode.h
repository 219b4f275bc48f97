//===- SelectCode.h - which machine code this CPU can run -------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/package/Package.h"

#include <string>

namespace strata::cpu {

/// The package's first code for cpu whose features this CPU has; with a non-empty `target`, the one
/// of that name. Otherwise an error that tells what the package has and what the CPU lacks.
absl::StatusOr<SelectedCode> selectCode(const Package &package, const CpuFeatures &features,
                                        const std::string &target);

/// What a code object needs of a CPU, and so what its kernels can be measured against.
CpuFeatures featuresOf(const package::CodeObject &code);

} // namespace strata::cpu
