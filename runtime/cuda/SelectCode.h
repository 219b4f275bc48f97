//===- SelectCode.h - which machine code a GPU can run ----------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/GpuTarget.h"
#include "runtime/package/Package.h"

#include <string>

namespace strata::cuda {

/// The package's best code for a GPU: machine code for exactly its capability, else the PTX of the
/// latest capability that is not later. With a non-empty `target`, only the one of that name. The
/// error tells what there is and what `device` ("cuda:0 (NVIDIA L4)") is.
absl::StatusOr<SelectedCode> selectCode(const Package &package, Capability capability,
                                        const std::string &device, const std::string &target);

} // namespace strata::cuda
