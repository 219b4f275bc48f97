//===- Pipeline.cpp - the six stages, in order ----------------------------===//

#include "tools/Pipeline.h"

#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/SimulatorRewrite.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include <functional>
#include <thread>

using namespace mlir;
using namespace strata;

llvm::StringRef strata::stageName(Stage stage) {
  static constexpr llvm::StringLiteral names[] = {"import",  "fuse", "plan",
                                                  "kernels", "llvm", "package"};
  return names[static_cast<int>(stage)];
}

llvm::StringRef strata::targetName(Target target) { return target == Target::Cpu ? "cpu" : "cuda"; }

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

void strata::populatePlan(OpPassManager &pm, Target target) {
  OpPassManager &forward = pm.nest<func::FuncOp>();
  forward.addPass(target == Target::Cpu ? createAssignCpuWorkspace() : createAssignCudaWorkspace());
  forward.addPass(createPlanMemory());
}

void strata::populateKernels(OpPassManager &pm, Target target, const PipelineOptions &options) {
  if (target == Target::Cuda)
    return pm.addPass(createGenerateCudaKernels());
  GenerateCpuKernelsOptions kernels;
  kernels.levels.assign(options.levels.begin(), options.levels.end());
  pm.addPass(createGenerateCpuKernels(kernels));
}

void strata::populateLlvm(OpPassManager &pm, Target target) {
  OpPassManager &kernels = pm.nest<ModuleOp>();
  target == Target::Cpu ? buildLowerCpuKernelsPipeline(kernels)
                        : buildLowerCudaKernelsPipeline(kernels);
}

using MakeCode = std::function<llvm::Expected<PackageCode>()>;

/// All results in order, or all errors. Each job runs on a thread of its own.
static llvm::Expected<std::vector<PackageCode>> runAll(llvm::ArrayRef<MakeCode> jobs) {
  std::vector<std::optional<llvm::Expected<PackageCode>>> results(jobs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i != jobs.size(); ++i)
    threads.emplace_back([&, i] { results[i].emplace(jobs[i]()); });
  for (std::thread &thread : threads)
    thread.join();
  std::vector<PackageCode> code;
  llvm::Error errors = llvm::Error::success();
  for (auto &result : results) {
    if (*result)
      code.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return errors;
  return code;
}

static llvm::Expected<PackageCode> emitLevel(ModuleOp module, const cpu::Level &level) {
  llvm::Expected<cpu::Object> object = cpu::emitObject(module, level);
  if (!object)
    return object.takeError();
  return PackageCode{level.name.str(),
                     {level.required.begin(), level.required.end()},
                     PackageCode::Format::Elf,
                     std::move(object->elf)};
}

static llvm::Expected<PackageCode> emitCubin(ModuleOp module, const std::string &chip,
                                             const std::string &ptxas) {
  llvm::Expected<std::string> ptx = nvptx::emitPtx(module, chip);
  if (!ptx)
    return ptx.takeError();
  llvm::Expected<nvptx::Cubin> cubin = nvptx::assemblePtx(*ptx, chip, ptxas);
  if (!cubin)
    return cubin.takeError();
  return PackageCode{chip, {}, PackageCode::Format::Cubin, std::move(cubin->bytes)};
}

static llvm::Expected<PackageCode> emitPtxText(ModuleOp module, const std::string &chip) {
  llvm::Expected<std::string> ptx = nvptx::emitPtx(module, chip);
  if (!ptx)
    return ptx.takeError();
  ptx->push_back('\0'); // the driver reads a C string
  return PackageCode{chip + ".ptx", {}, PackageCode::Format::Ptx, std::move(*ptx)};
}

/// The same kernels for the simulated GPU: x86-64 code that calls it.
static llvm::Expected<PackageCode> emitSimulated(ModuleOp module) {
  OwningOpRef<ModuleOp> copy(module.clone());
  if (failed(rewriteForSimulator(*copy)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "cannot rewrite the GPU kernels for the simulator");
  auto elf = cpu::emitSharedObject(*copy, *cpu::findLevel("x86-64-v3"), /*mayImport=*/true);
  if (!elf)
    return elf.takeError();
  return PackageCode{"sim", {}, PackageCode::Format::Elf, std::move(*elf)};
}

/// For each chip a cubin where ptxas is installed, for "sim" the simulator's code; for real chips
/// PTX of the lowest as well, for every other GPU.
static std::vector<MakeCode> cudaJobs(ModuleOp module, const PipelineOptions &options) {
  std::vector<MakeCode> jobs;
  std::optional<std::string> ptxas = nvptx::findPtxas();
  bool real = false;
  for (const std::string &chip : options.chips) {
    real |= chip != "sim";
    if (chip == "sim")
      jobs.push_back([=] { return emitSimulated(module); });
    else if (ptxas)
      jobs.push_back([=] { return emitCubin(module, chip, *ptxas); });
  }
  if (real)
    jobs.push_back([=] { return emitPtxText(module, "sm_80"); });
  return jobs;
}

llvm::Expected<std::vector<PackageCode>> strata::emitCode(ModuleOp module, Target target,
                                                          const PipelineOptions &options) {
  if (target == Target::Cuda)
    return runAll(cudaJobs(module.lookupSymbol<ModuleOp>(kCudaModuleName), options));
  std::vector<MakeCode> jobs;
  for (const cpu::Level &level : cpu::levels())
    if (auto levelModule = module.lookupSymbol<ModuleOp>(level.moduleName))
      jobs.push_back([&level, levelModule] { return emitLevel(levelModule, level); });
  return runAll(jobs);
}
