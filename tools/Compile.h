//===- Compile.h - a model through the stages -------------------*- C++ -*-===//
#pragma once

#include "codegen/EmitPackage.h"
#include "frontend/ImportModel.h"
#include "tools/Pipeline.h"
#include <functional>

namespace strata {

struct CompileOptions {
  PipelineOptions pipeline;
  std::vector<Target> targets = {Target::Cpu};
  Stage stopAfter = Stage::Package;
  bool embedWeights = false;
  std::string compiler; ///< name and version, for the manifest
  /// Called after each stage with the program as that stage left it: once, or from `plan` on once
  /// for each target.
  std::function<void(Stage, mlir::ModuleOp)> onStage;
  /// Called with each stage's result: MLIR text, at last the package.
  std::function<llvm::Error(Stage, llvm::StringRef)> dump;
};

/// Runs `model` through the stages up to options.stopAfter and returns that one's result: the
/// package, or MLIR text. MLIR's own diagnostics go to the context's handler; the error says which
/// stage failed.
llvm::Expected<std::string> compile(ImportedModel &model, const CompileOptions &options);

} // namespace strata
