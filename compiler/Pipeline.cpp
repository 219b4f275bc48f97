//===- Pipeline.cpp - the six stages, in order ----------------------------===//

#include "compiler/Pipeline.h"

#include "codegen/CodegenPasses.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace strata;

llvm::StringRef strata::stageName(Stage stage) {
  static constexpr llvm::StringLiteral names[] = {"import",  "fuse", "plan",
                                                  "kernels", "llvm", "package"};
  return names[static_cast<int>(stage)];
}

void strata::populateFuse(OpPassManager &pm, bool fuse) {
  OpPassManager &forward = pm.nest<func::FuncOp>();
  forward.addPass(createCanonicalizerPass());
  forward.addPass(createCSEPass());
  if (!fuse)
    return;
  forward.addPass(createFuseSiblings());
  forward.addPass(createFuseNorm());
  forward.addPass(createFuseActivation());
  forward.addPass(createFuseRope());
  forward.addPass(createFuseCacheAppend());
  forward.addPass(createFuseResidual());
  forward.addPass(createCSEPass());
}

void strata::populatePlan(OpPassManager &pm, const Target &target) {
  OpPassManager &forward = pm.nest<func::FuncOp>();
  RoundInputsOptions rounding;
  rounding.target = target.name().str();
  forward.addPass(createRoundInputs(rounding));
  AssignWorkspaceOptions workspace;
  workspace.target = target.name().str();
  forward.addPass(createAssignWorkspace(workspace));
  forward.addPass(createPlanMemory());
}

void strata::populateKernels(OpPassManager &pm, const Target &target,
                             const MachineClass &machines) {
  GenerateKernelsOptions kernels;
  kernels.target = target.name().str();
  kernels.machine = machines.kernels;
  pm.addPass(createGenerateKernels(kernels));
}

void strata::populateLlvm(OpPassManager &pm, const Target &target) {
  target.buildLowering(pm.nest<ModuleOp>());
}
