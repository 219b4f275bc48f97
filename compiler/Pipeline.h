//===- Pipeline.h - the six stages, in order --------------------*- C++ -*-===//
//
// The table of contents of the compiler. Each stage has one name: the value of --stop-after, the
// name of its dump and the heading in ARCHITECTURE.md.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Target.h"
#include "mlir/Pass/PassManager.h"

namespace strata {

enum class Stage { Import, Fuse, Plan, Kernels, Llvm, Package };

inline constexpr Stage kStages[] = {Stage::Import,  Stage::Fuse, Stage::Plan,
                                    Stage::Kernels, Stage::Llvm, Stage::Package};

/// "import", "fuse", ...
llvm::StringRef stageName(Stage stage);

// `import` is frontend/ImportModel: it makes decoder ops on tensors, weights by checkpoint key.

/// Folds the cheap ops into clauses of the expensive ones, unless every op shall stay a kernel of
/// its own. Every op left is one kernel.
void populateFuse(mlir::OpPassManager &pm, bool fuse);

/// Tensors become buffers at arena offsets; no two live values overlap. From here on each target
/// has a program of its own.
void populatePlan(mlir::OpPassManager &pm, const Target &target);

/// One kernel for each distinct op; no compute op of the dialect is left. From here on each class
/// of machines has a program of its own.
void populateKernels(mlir::OpPassManager &pm, const Target &target, const MachineClass &machines);

/// The kernels in the llvm dialect (and nvvm on cuda), with entries.
void populateLlvm(mlir::OpPassManager &pm, const Target &target);

// `package` is Target::emit for each program, then codegen/EmitPackage.

} // namespace strata
