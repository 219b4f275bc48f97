//===- Gguf.h - Nemotron models in GGUF files -------------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/status/status.h"

#include <string>

namespace strata {

/// Adds every tensor of the file `folder`/`name`, of architecture `nemotron`, and of the others if
/// it is the first of several, to `checkpoint` under Hugging Face's key, and sets its config.
/// Weights of norms have includesOne. What would change the model and is not known here, a tensor
/// or a nemotron.* key, is refused by name.
absl::Status readGguf(const std::string &folder, const std::string &name, Checkpoint &checkpoint);

} // namespace strata
