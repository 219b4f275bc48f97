//===- Compile.h - a model through the stages -------------------*- C++ -*-===//
#pragma once

#include "codegen/EmitPackage.h"
#include "frontend/ImportModel.h"
#include "tools/Pipeline.h"
#include <functional>

namespace strata {

struct CompileOptions {
  PipelineOptions pipeline;
  Stage stopAfter = Stage::Package;
  bool embedWeights = false;
  std::string compiler; ///< name and version, for the manifest
  /// Called after each stage, while the module is as that stage left it.
  std::function<void(Stage)> onStage;
  /// Called with each stage's result: MLIR text, at last the package.
  std::function<llvm::Error(Stage, llvm::StringRef)> dump;
};

/// Runs `model` through the stages up to options.stopAfter and returns that one's result: the
/// package, or MLIR text. MLIR's own diagnostics go to the context's handler; the error says which
/// stage failed.
llvm::Expected<std::string> compile(ImportedModel &model, const CompileOptions &options);

} // namespace strata
