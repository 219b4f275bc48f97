//===- Safetensors.h - the safetensors format -------------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/status/status.h"

#include <string>

namespace strata {

/// Adds every tensor of the file `folder`/`name` to `checkpoint`. The file is refused unless its
/// tensors fill it without gap or overlap, sizes fit shapes, and keys are new. Errors name the file
/// and the tensor.
absl::Status readSafetensors(const std::string &folder, const std::string &name,
                             Checkpoint &checkpoint);

} // namespace strata
