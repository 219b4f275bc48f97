//===- Nemo.h - Nemotron models as NeMo saves them --------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/status/status.h"

#include <string>

namespace strata {

/// Adds the tensors of `folder`/`name`, a .nemo archive, or, if the name is model_config.yaml, of a
/// folder that one was unpacked into. They are found in model_weights.ckpt or, as zarr arrays or a
/// distributed checkpoint of torch, in model_weights/; Hugging Face's keys, q, k and v apart, with
/// rows in groups. Sets the config and the tokenizer. Other kinds of weights are UNIMPLEMENTED, by
/// name, and so are tensors in several pieces.
absl::Status readNemo(const std::string &folder, const std::string &name, Checkpoint &checkpoint);

/// The same of a folder of NeMo 2, whose arrays are in weights/, by `name`, context/model.yaml.
absl::Status readNemo2(const std::string &folder, const std::string &name, Checkpoint &checkpoint);

} // namespace strata
