//===- Pipeline.cpp - the six stages, in order ----------------------------===//

#include "compiler/Pipeline.h"

#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/nvptx/Auxiliary.h"
#include "codegen/nvptx/Chip.h"
#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/SimulatorRewrite.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdlib>
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

/// The program's generation; that of PTX for every GPU if no chip is asked for.
static nvptx::Generation generationOf(const PipelineOptions &options) {
  return options.chips.empty() ? nvptx::Generation::Sm80
                               : nvptx::findChip(options.chips.front())->generation;
}

void strata::populateKernels(OpPassManager &pm, Target target, const PipelineOptions &options) {
  if (target == Target::Cuda) {
    GenerateCudaKernelsOptions kernels;
    kernels.chip = nvptx::realChip(generationOf(options)).name.str();
    return pm.addPass(createGenerateCudaKernels(kernels));
  }
  GenerateCpuKernelsOptions kernels;
  kernels.levels.assign(options.levels.begin(), options.levels.end());
  pm.addPass(createGenerateCpuKernels(kernels));
}

void strata::populateLlvm(OpPassManager &pm, Target target) {
  OpPassManager &kernels = pm.nest<ModuleOp>();
  target == Target::Cpu ? buildLowerCpuKernelsPipeline(kernels)
                        : buildLowerCudaKernelsPipeline(kernels);
}

/// All results in order, or all errors. Each job runs on a thread of its own.
template <typename Result>
static llvm::Expected<std::vector<Result>>
runAll(llvm::ArrayRef<std::function<llvm::Expected<Result>()>> jobs) {
  std::vector<std::optional<llvm::Expected<Result>>> results(jobs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i != jobs.size(); ++i)
    threads.emplace_back([&, i] { results[i].emplace(jobs[i]()); });
  for (std::thread &thread : threads)
    thread.join();
  std::vector<Result> all;
  llvm::Error errors = llvm::Error::success();
  for (auto &result : results) {
    if (*result)
      all.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return errors;
  return all;
}

//===----------------------------------------------------------------------===//
// cpu
//===----------------------------------------------------------------------===//

static llvm::Expected<PackageCode> emitLevel(ModuleOp module, const cpu::Level &level) {
  llvm::Expected<cpu::Object> object = cpu::emitObject(module, level);
  if (!object)
    return object.takeError();
  return PackageCode{level.name.str(),
                     {level.required.begin(), level.required.end()},
                     PackageCode::Format::Elf,
                     std::move(object->elf)};
}

static llvm::Expected<EmittedCode> emitCpu(ModuleOp module) {
  std::vector<std::function<llvm::Expected<PackageCode>()>> jobs;
  for (const cpu::Level &level : cpu::levels())
    if (auto levelModule = module.lookupSymbol<ModuleOp>(level.moduleName))
      jobs.push_back([&level, levelModule] { return emitLevel(levelModule, level); });
  auto code = runAll<PackageCode>(jobs);
  if (!code)
    return code.takeError();
  return EmittedCode{std::move(*code), {}, {}, {}};
}

//===----------------------------------------------------------------------===//
// cuda
//===----------------------------------------------------------------------===//

namespace {
/// Code and, if it is a cubin, what ptxas says of it.
struct ChipCode {
  PackageCode code;
  std::string report;
};
} // namespace

/// STRATA_PTXAS where it is set: a path, or empty for none. Otherwise where ptxas usually is.
static std::optional<std::string> choosePtxas() {
  if (const char *path = std::getenv("STRATA_PTXAS"))
    return *path ? std::optional<std::string>(path) : std::nullopt;
  return nvptx::findPtxas();
}

static llvm::Expected<ChipCode> assemble(const PtxText &ptx, const std::string &ptxas) {
  llvm::Expected<nvptx::Cubin> cubin = nvptx::assemblePtx(ptx.text, ptx.chip, ptxas);
  if (!cubin)
    return cubin.takeError();
  return ChipCode{{ptx.chip, {}, PackageCode::Format::Cubin, std::move(cubin->bytes)},
                  std::move(cubin->report)};
}

/// The same kernels for the simulated GPU: x86-64 code that calls it.
static llvm::Expected<ChipCode> emitSimulated(ModuleOp module, const std::string &chip) {
  OwningOpRef<ModuleOp> copy(module.clone());
  if (failed(rewriteForSimulator(*copy)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "cannot rewrite the GPU kernels for the simulator");
  auto elf = cpu::emitSharedObject(*copy, *cpu::findLevel("x86-64-v3"), /*mayImport=*/true);
  if (!elf)
    return elf.takeError();
  return ChipCode{{chip, {}, PackageCode::Format::Elf, std::move(*elf)}, {}};
}

/// Whether the package shall hold PTX: that of sm_80 for every later GPU, any other one only where
/// there is no ptxas, as it runs on no later GPU.
static bool wantsPtx(nvptx::Generation generation, bool hasPtxas) {
  return generation == nvptx::Generation::Sm80 || !hasPtxas;
}

static bool onlySimulated(llvm::ArrayRef<std::string> chips) {
  return !chips.empty() && llvm::all_of(chips, [](const std::string &chip) {
    return nvptx::findChip(chip)->simulated;
  });
}

std::vector<std::vector<std::string>> strata::groupChips(llvm::ArrayRef<std::string> chips) {
  std::vector<std::vector<std::string>> groups;
  for (auto generation : {nvptx::Generation::Sm80, nvptx::Generation::Sm90}) {
    std::vector<std::string> group;
    llvm::copy_if(chips, std::back_inserter(group), [&](const std::string &chip) {
      return nvptx::findChip(chip)->generation == generation;
    });
    bool portable = generation == nvptx::Generation::Sm80 && !onlySimulated(chips);
    if (!group.empty() || portable)
      groups.push_back(std::move(group));
  }
  return groups;
}

/// Machine code for the chips: cubins where ptxas is installed, the simulator's.
static llvm::Expected<std::vector<ChipCode>> emitChips(ModuleOp module,
                                                       llvm::ArrayRef<std::string> chips,
                                                       llvm::ArrayRef<PtxText> ptx,
                                                       const std::optional<std::string> &ptxas) {
  std::vector<std::function<llvm::Expected<ChipCode>()>> jobs;
  for (const std::string &chip : chips) {
    if (nvptx::findChip(chip)->simulated)
      jobs.push_back([=] { return emitSimulated(module, chip); });
    else if (ptxas)
      jobs.push_back([&] { return assemble(ptx.front(), *ptxas); });
  }
  return runAll<ChipCode>(jobs);
}

/// The code of one generation.
static llvm::Expected<EmittedCode> emitCuda(ModuleOp module, const PipelineOptions &options) {
  std::optional<std::string> ptxas = choosePtxas();
  nvptx::Generation generation = generationOf(options);
  EmittedCode emitted;
  if (!onlySimulated(options.chips)) {
    std::string chip = nvptx::realChip(generation).name.str();
    llvm::Expected<std::string> text = nvptx::emitPtx(module, chip);
    if (!text)
      return text.takeError();
    emitted.ptx.push_back({chip, std::move(*text)});
  }
  auto chips = emitChips(module, options.chips, emitted.ptx, ptxas);
  if (!chips)
    return chips.takeError();
  emitted.auxiliary = nvptx::listAuxiliaryKernels(module);
  for (ChipCode &chip : *chips) {
    if (chip.code.format == PackageCode::Format::Cubin)
      emitted.reports.push_back({chip.code.target, std::move(chip.report)});
    emitted.code.push_back(std::move(chip.code));
  }
  for (const PtxText &ptx : emitted.ptx)
    if (wantsPtx(generation, ptxas.has_value())) // the driver reads a C string
      emitted.code.push_back(
          {ptx.chip + ".ptx", {}, PackageCode::Format::Ptx, ptx.text + std::string(1, '\0')});
  return emitted;
}

llvm::Expected<std::vector<EmittedCode>> strata::emitCode(llvm::ArrayRef<LoweredProgram> programs) {
  std::vector<std::function<llvm::Expected<EmittedCode>()>> jobs;
  for (const LoweredProgram &program : programs) {
    ModuleOp module = program.module;
    if (program.target == Target::Cpu)
      jobs.push_back([module] { return emitCpu(module); });
    else
      jobs.push_back([kernels = module.lookupSymbol<ModuleOp>(kCudaModuleName), &program] {
        return emitCuda(kernels, program.options);
      });
  }
  return runAll<EmittedCode>(jobs);
}
