//===- Inspect.h - what a model, a checkpoint or a package holds -*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "frontend/ModelConfig.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/package/Package.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerFile.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata {

enum class InspectFormat { text, json };

struct InspectOptions {
  InspectFormat format = InspectFormat::text;
  bool tensors = false; // text: a line for each tensor
  bool plan = false;    // text: a line for each dispatch of a package
};

/// A model folder, or a file of one. What could not be read is absent, and why is in
/// `refused`.
struct InspectedModel {
  std::string path;
  std::optional<ModelConfig> config;
  std::optional<Checkpoint> checkpoint;
  std::optional<TokenizerSection> tokenizerSection;
  std::unique_ptr<Tokenizer> tokenizer; // of that section
  bool tokenizerRefused = false;
  std::vector<std::string> refused; // why strata-compile does not take it, one reason each
  std::vector<std::string> unused;  // tensors that the model does not read
  std::vector<std::string> notes;   // what strata-compile warns of besides
};

/// Reads a folder; or a config.json or a file of tensors alone, which are not refused for what a
/// folder has besides.
/// Errors: neither, or a file whose reader refuses it.
absl::StatusOr<InspectedModel> inspectModel(const std::string &path);

/// As text or JSON; docs/inspect.md tells the keys.
std::string describeModel(const InspectedModel &model, const InspectOptions &options);
absl::StatusOr<std::string> describePackage(const Package &package, const InspectOptions &options);

} // namespace strata
