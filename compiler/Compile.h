//===- Compile.h - a model through the stages -------------------*- C++ -*-===//
#pragma once

#include "codegen/EmitPackage.h"
#include "compiler/Pipeline.h"
#include "frontend/ImportModel.h"
#include <functional>

namespace strata {

/// A program as a stage left it: one for all, from `plan` on one for each target, from `kernels` on
/// one for each class of its machines.
struct StageResult {
  Stage stage;
  const Target *target;
  const MachineClass &machines; ///< from `kernels` on
  mlir::ModuleOp module;
};

/// A target and its machines; none: the target's default.
struct TargetChoice {
  const Target *target;
  std::vector<std::string> machines;
};

struct CompileOptions {
  bool fuse = true;                  ///< false: every op stays a kernel of its own
  std::vector<TargetChoice> targets; ///< at least one
  Stage stopAfter = Stage::Package;
  bool embedWeights = false;
  std::string compiler; ///< name and version, for the manifest
  /// Called after each stage, for each program.
  std::function<void(const StageResult &)> onStage;
  /// Called with what an assembler says, once for each machine.
  std::function<void(const AssemblyReport &)> onAssembled;
  /// Called with the name and bytes of each file that is worth a look: one a stage, which is MLIR
  /// text and at last the package; for GPUs the PTX and what ptxas says as well.
  std::function<llvm::Error(llvm::StringRef name, llvm::StringRef bytes)> dump;
};

/// Runs `model` through the stages up to options.stopAfter and returns that one's result: the
/// package, or MLIR text. MLIR's own diagnostics go to the context's handler; the error says which
/// stage failed.
llvm::Expected<std::string> compile(ImportedModel &model, const CompileOptions &options);

} // namespace strata
