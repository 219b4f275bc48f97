//===- Pipeline.h - the six stages, in order --------------------*- C++ -*-===//
//
// The table of contents of the compiler. Each stage has one name: the value of --stop-after, the
// name of its dump and the heading in ARCHITECTURE.md.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/EmitObject.h"
#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace strata {

enum class Stage { Import, Fuse, Plan, Kernels, Llvm, Package };

inline constexpr Stage kStages[] = {Stage::Import,  Stage::Fuse, Stage::Plan,
                                    Stage::Kernels, Stage::Llvm, Stage::Package};

/// "import", "fuse", ...
llvm::StringRef stageName(Stage stage);

struct PipelineOptions {
  bool fuse = true;                ///< false: every op stays a kernel of its own
  std::vector<std::string> levels; ///< of x86-64; all if empty
};

// `import` is frontend/ImportModel: it makes decoder ops on tensors, weights by checkpoint key.

/// Folds the cheap ops into clauses of the expensive ones. Every op left is one kernel.
void populateFuse(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Tensors become buffers at arena offsets; no two live values overlap.
void populatePlan(mlir::OpPassManager &pm, const PipelineOptions &options);

/// One kernel for each distinct op; no compute op of the dialect is left.
void populateKernels(mlir::OpPassManager &pm, const PipelineOptions &options);

/// The kernels of each level in the llvm dialect, with entries.
void populateLlvm(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Machine code of each level, best first; the levels are compiled side by side. After this,
/// codegen/EmitPackage makes the file.
llvm::Expected<std::vector<cpu::Object>> emitObjects(mlir::ModuleOp module);

} // namespace strata
