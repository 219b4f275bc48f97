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

/// The devices that a program is compiled for. From `plan` on each has a program of its own; from
/// `kernels` on each generation of GPUs.
enum class Target { Cpu, Cuda };

/// "cpu", "cuda"
llvm::StringRef targetName(Target target);

struct PipelineOptions {
  bool fuse = true;                ///< false: every op stays a kernel of its own
  std::vector<std::string> levels; ///< of x86-64; all if empty
  std::vector<std::string> chips = {"sm_80", "sm_90a"}; ///< of NVIDIA (nvptx/Chip.h)
};

// `import` is frontend/ImportModel: it makes decoder ops on tensors, weights by checkpoint key.

/// Folds the cheap ops into clauses of the expensive ones. Every op left is one kernel.
void populateFuse(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Tensors become buffers at arena offsets; no two live values overlap.
void populatePlan(mlir::OpPassManager &pm, Target target);

/// The programs that `chips` need, as the chips of each, best first: one for each generation. That
/// of sm_80 goes with all real chips, as PTX for other GPUs.
std::vector<std::vector<std::string>> groupChips(llvm::ArrayRef<std::string> chips);

/// One kernel for each distinct op; no compute op of the dialect is left. On cuda, options.chips
/// are of one generation, or none: sm_80.
void populateKernels(mlir::OpPassManager &pm, Target target, const PipelineOptions &options);

/// The kernels in the llvm dialect (and nvvm on cuda), with entries.
void populateLlvm(mlir::OpPassManager &pm, Target target);

/// What ptxas says of the kernels for one chip: registers, spills, advisories.
struct AssemblyReport {
  std::string chip, text;
};

/// The kernels as text, whether or not the package holds it.
struct PtxText {
  std::string chip, text;
};

struct EmittedCode {
  std::vector<PackageCode> code;       ///< best first
  std::vector<PtxText> ptx;            ///< for real GPUs
  std::vector<AssemblyReport> reports; ///< one for each chip that ptxas assembled for
  std::vector<PackageAuxiliary> auxiliary;
};

/// A program after the stage `llvm`.
struct LoweredProgram {
  Target target;
  const PipelineOptions &options;
  mlir::ModuleOp module;
};

/// Machine code for each program, all made side by side. After this, codegen/EmitPackage makes the
/// file.
llvm::Expected<std::vector<EmittedCode>> emitCode(llvm::ArrayRef<LoweredProgram> programs);

} // namespace strata
