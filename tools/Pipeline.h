//===- Pipeline.h - the six stages, in order --------------------*- C++ -*-===//
//
// The table of contents of the compiler. Each stage has one name: the value of --stop-after, the
// name of its dump and the heading in ARCHITECTURE.md.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/EmitPackage.h"
#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace strata {

enum class Stage { Import, Fuse, Plan, Kernels, Llvm, Package };

inline constexpr Stage kStages[] = {Stage::Import,  Stage::Fuse, Stage::Plan,
                                    Stage::Kernels, Stage::Llvm, Stage::Package};

/// "import", "fuse", ...
llvm::StringRef stageName(Stage stage);

/// The devices that a program is compiled for. From `plan` on each has a program of its own.
enum class Target { Cpu, Cuda };

/// "cpu", "cuda"
llvm::StringRef targetName(Target target);

struct PipelineOptions {
  bool fuse = true;                ///< false: every op stays a kernel of its own
  std::vector<std::string> levels; ///< of x86-64; all if empty
  std::vector<std::string> chips = {"sm_80", "sm_90a"}; ///< of NVIDIA; "sim": the simulated GPU
};

// `import` is frontend/ImportModel: it makes decoder ops on tensors, weights by checkpoint key.

/// Folds the cheap ops into clauses of the expensive ones. Every op left is one kernel.
void populateFuse(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Tensors become buffers at arena offsets; no two live values overlap.
void populatePlan(mlir::OpPassManager &pm, Target target);

/// One kernel for each distinct op; no compute op of the dialect is left.
void populateKernels(mlir::OpPassManager &pm, Target target, const PipelineOptions &options);

/// The kernels in the llvm dialect (and nvvm on cuda), with entries.
void populateLlvm(mlir::OpPassManager &pm, Target target);

/// What ptxas says of the kernels for one chip: registers, spills, advisories.
struct AssemblyReport {
  std::string chip, text;
};

struct EmittedCode {
  std::vector<PackageCode> code;       ///< best first
  std::vector<AssemblyReport> reports; ///< one for each chip that ptxas assembled for
};

/// Machine code, made side by side. After this, codegen/EmitPackage makes the file.
llvm::Expected<EmittedCode> emitCode(mlir::ModuleOp module, Target target,
                                     const PipelineOptions &options);

} // namespace strata
