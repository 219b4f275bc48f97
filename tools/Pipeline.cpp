//===- Pipeline.cpp - the six stages, in order ----------------------------===//

#include "tools/Pipeline.h"

#include "codegen/cpu/CpuPasses.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include <thread>

using namespace mlir;
using namespace strata;

llvm::StringRef strata::stageName(Stage stage) {
  static constexpr llvm::StringLiteral names[] = {"import",  "fuse", "plan",
                                                  "kernels", "llvm", "package"};
  return names[static_cast<int>(stage)];
}

void strata::populateFuse(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &forward = pm.nest<func::FuncOp>();
  forward.addPass(createCanonicalizerPass());
  forward.addPass(createCSEPass());
  if (!options.fuse)
    return;
  forward.addPass(createFuseSiblings());
  forward.addPass(createFuseNorm());
  forward.addPass(createFuseSquaredRelu());
  forward.addPass(createFuseRope());
  forward.addPass(createFuseCacheAppend());
  forward.addPass(createFuseResidual());
  forward.addPass(createCSEPass());
}

void strata::populatePlan(OpPassManager &pm, const PipelineOptions &) {
  OpPassManager &forward = pm.nest<func::FuncOp>();
  forward.addPass(createAssignCpuWorkspace());
  forward.addPass(createPlanMemory());
}

void strata::populateKernels(OpPassManager &pm, const PipelineOptions &options) {
  GenerateCpuKernelsOptions kernels;
  kernels.levels.assign(options.levels.begin(), options.levels.end());
  pm.addPass(createGenerateCpuKernels(kernels));
}

void strata::populateLlvm(OpPassManager &pm, const PipelineOptions &) {
  buildLowerCpuKernelsPipeline(pm.nest<ModuleOp>());
}

llvm::Expected<std::vector<cpu::Object>> strata::emitObjects(ModuleOp module) {
  std::vector<std::pair<const cpu::Level *, ModuleOp>> modules;
  for (const cpu::Level &level : cpu::levels())
    if (auto levelModule = module.lookupSymbol<ModuleOp>(level.moduleName))
      modules.push_back({&level, levelModule});
  std::vector<std::optional<llvm::Expected<cpu::Object>>> results(modules.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i != modules.size(); ++i)
    threads.emplace_back(
        [&, i] { results[i].emplace(cpu::emitObject(modules[i].second, *modules[i].first)); });
  for (std::thread &thread : threads)
    thread.join();
  std::vector<cpu::Object> objects;
  llvm::Error errors = llvm::Error::success();
  for (auto &result : results) {
    if (*result)
      objects.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return errors;
  return objects;
}
