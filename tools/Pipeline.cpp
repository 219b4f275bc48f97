//===- Pipeline.cpp - the six stages, in order ----------------------------===//

#include "tools/Pipeline.h"

#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/EmitObject.h"
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
  return EmittedCode{std::move(*code), {}};
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

struct Ptx {
  std::string chip, text;
};
} // namespace

/// The chip whose PTX every later GPU takes.
static constexpr llvm::StringLiteral kPortableChip = "sm_80";

/// STRATA_PTXAS where it is set: a path, or empty for none. Otherwise where ptxas usually is.
static std::optional<std::string> choosePtxas() {
  if (const char *path = std::getenv("STRATA_PTXAS"))
    return *path ? std::optional<std::string>(path) : std::nullopt;
  return nvptx::findPtxas();
}

static llvm::Expected<ChipCode> assemble(const Ptx &ptx, const std::string &ptxas) {
  llvm::Expected<nvptx::Cubin> cubin = nvptx::assemblePtx(ptx.text, ptx.chip, ptxas);
  if (!cubin)
    return cubin.takeError();
  return ChipCode{{ptx.chip, {}, PackageCode::Format::Cubin, std::move(cubin->bytes)},
                  std::move(cubin->report)};
}

/// The same kernels for the simulated GPU: x86-64 code that calls it.
static llvm::Expected<ChipCode> emitSimulated(ModuleOp module) {
  OwningOpRef<ModuleOp> copy(module.clone());
  if (failed(rewriteForSimulator(*copy)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "cannot rewrite the GPU kernels for the simulator");
  auto elf = cpu::emitSharedObject(*copy, *cpu::findLevel("x86-64-v3"), /*mayImport=*/true);
  if (!elf)
    return elf.takeError();
  return ChipCode{{"sim", {}, PackageCode::Format::Elf, std::move(*elf)}, {}};
}

/// PTX for the real ones among `chips`, and for kPortableChip last.
static llvm::Expected<std::vector<Ptx>> emitPtx(ModuleOp module, llvm::ArrayRef<std::string> chips,
                                                bool portableOnly) {
  std::vector<std::string> wanted;
  bool real = false;
  for (const std::string &chip : chips) {
    real |= chip != "sim";
    if (chip != "sim" && chip != kPortableChip && !portableOnly)
      wanted.push_back(chip);
  }
  if (real)
    wanted.push_back(kPortableChip.str());
  std::vector<std::function<llvm::Expected<Ptx>()>> jobs;
  for (const std::string &chip : wanted)
    jobs.push_back([module, chip]() -> llvm::Expected<Ptx> {
      llvm::Expected<std::string> text = nvptx::emitPtx(module, chip);
      if (!text)
        return text.takeError();
      return Ptx{chip, std::move(*text)};
    });
  return runAll<Ptx>(jobs);
}

/// For each chip a cubin where ptxas is installed, for "sim" the simulator's code; for real chips
/// PTX of the lowest as well, for every other GPU.
static llvm::Expected<EmittedCode> emitCuda(ModuleOp module, const PipelineOptions &options) {
  std::optional<std::string> ptxas = choosePtxas();
  auto texts = emitPtx(module, options.chips, /*portableOnly=*/!ptxas);
  if (!texts)
    return texts.takeError();
  std::vector<std::function<llvm::Expected<ChipCode>()>> jobs;
  for (const std::string &chip : options.chips) {
    auto ptx = llvm::find_if(*texts, [&](const Ptx &ptx) { return ptx.chip == chip; });
    if (chip == "sim")
      jobs.push_back([=] { return emitSimulated(module); });
    else if (ptxas)
      jobs.push_back([ptx, &ptxas] { return assemble(*ptx, *ptxas); });
  }
  auto chips = runAll<ChipCode>(jobs);
  if (!chips)
    return chips.takeError();
  EmittedCode emitted;
  for (ChipCode &chip : *chips) {
    if (chip.code.format == PackageCode::Format::Cubin)
      emitted.reports.push_back({chip.code.target, std::move(chip.report)});
    emitted.code.push_back(std::move(chip.code));
  }
  if (!texts->empty()) {
    Ptx &portable = texts->back();
    portable.text.push_back('\0'); // the driver reads a C string
    emitted.code.push_back(
        {portable.chip + ".ptx", {}, PackageCode::Format::Ptx, std::move(portable.text)});
  }
  return emitted;
}

llvm::Expected<EmittedCode> strata::emitCode(ModuleOp module, Target target,
                                             const PipelineOptions &options) {
  return target == Target::Cpu ? emitCpu(module)
                               : emitCuda(module.lookupSymbol<ModuleOp>(kCudaModuleName), options);
}
