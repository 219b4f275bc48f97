//===- ImportModel.h - the stage `import` -----------------------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/tokenizer/TokenizerFile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// A model as the compiler's other stages take it.
struct ImportedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module; // verified
  std::unique_ptr<Checkpoint> checkpoint; // has every parameter of the module; null without weights
  std::string directory;                  // of the checkpoint; empty without weights
  std::optional<TokenizerSection> tokenizer;  // of that folder
  std::string chatTemplate;                   // as in ModelConfig
  std::vector<std::string> warnings;          // for people, one line each
  std::vector<UnsupportedTarget> unsupported; // as in ModelConfig
};

/// Imports the model that `argument` names: a folder with weights, and config.json unless they hold
/// the configuration themselves, a .gguf or .nemo file, a config.json (or other .json) file, a
/// .mlir file, or, where no such file or folder exists, a preset. Errors name file, key, what is
/// expected and what is found. Loads the dialects it needs into `context`.
absl::StatusOr<ImportedModel> importModel(const std::string &argument, mlir::MLIRContext &context);

} // namespace strata
