//===- ModelFiles.h - what lies beside the weights --------------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"
#include "tools/quantize/OutputFolder.h"

#include <string>

namespace strata {

/// A model that was opened, as it was named.
struct OpenedModel {
  const std::string &argument; // a folder, a .gguf or .nemo file
  const Checkpoint &checkpoint;
  const FoundConfig &config;
  const WeightScheme &scheme; // that its weights get
};

/// Writes what a model folder holds besides its weights: the model's config.json, with the
/// quantization_config of its weights added, and the files of its tokenizer. Those that are in a
/// .gguf or .nemo file are written as the files that they stand for; the others are copied.
absl::Status writeModelFiles(const OpenedModel &model, const OutputFolder &folder);

} // namespace strata
