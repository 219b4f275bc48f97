//===- EmitCuda.cpp - machine code for GPUs, real and simulated -----------===//

#include "codegen/nvptx/EmitCuda.h"

#include "codegen/RunAll.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/nvptx/Auxiliary.h"
#include "codegen/nvptx/Chip.h"
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/SimulatorRewrite.h"
#include <cstdlib>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// STRATA_PTXAS where it is set: a path, or empty for none. Otherwise where ptxas usually is.
static std::optional<std::string> choosePtxas() {
  if (const char *path = std::getenv("STRATA_PTXAS"))
    return *path ? std::optional<std::string>(path) : std::nullopt;
  return findPtxas();
}

/// The same kernels for the simulated GPU: x86-64 code that calls it.
static llvm::Expected<EmittedCode> emitSimulated(ModuleOp module, const Chip &chip) {
  OwningOpRef<ModuleOp> copy(module.clone());
  if (failed(rewriteForSimulator(*copy)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "cannot rewrite the GPU kernels for the simulator");
  cpu::LevelModule input{*copy, cpu::findLevel("x86-64-v3")};
  auto objects = cpu::emitSharedObjects(input, /*mayImport=*/true);
  if (!objects)
    return objects.takeError();
  EmittedCode emitted;
  emitted.code.push_back(
      {chip.name.str(), {}, PackageCode::Format::Elf, std::move(objects->front())});
  return emitted;
}

/// Whether the package holds a chip's PTX: what runs on GPUs that are not named, and where there is
/// no ptxas.
static bool keepsPtx(const Chip &chip, const MachineClass &machines, bool hasPtxas) {
  return !hasPtxas || (machines.portable && machines.kernels == chip.name);
}

/// PTX for a chip, and its cubin if it is one of the machines.
static llvm::Expected<EmittedCode> emitReal(ModuleOp module, const Chip &chip,
                                            const MachineClass &machines) {
  llvm::Expected<std::string> ptx = emitPtx(module, chip.name);
  if (!ptx)
    return ptx.takeError();
  EmittedCode emitted;
  emitted.texts.push_back({("kernels." + chip.name + ".ptx").str(), *ptx});
  std::optional<std::string> ptxas = choosePtxas();
  if (ptxas && llvm::is_contained(machines.machines, chip.name.str())) {
    llvm::Expected<Cubin> cubin = assemblePtx(*ptx, chip.name, *ptxas);
    if (!cubin)
      return cubin.takeError();
    emitted.code.push_back(
        {chip.name.str(), {}, PackageCode::Format::Cubin, std::move(cubin->bytes)});
    emitted.texts.push_back({("ptxas." + chip.name + ".txt").str(), cubin->report});
    emitted.reports.push_back({chip.name.str(), std::move(cubin->report)});
  }
  if (keepsPtx(chip, machines, ptxas.has_value())) // the driver reads a C string
    emitted.code.push_back(
        {(chip.name + ".ptx").str(), {}, PackageCode::Format::Ptx, *ptx + std::string(1, '\0')});
  return emitted;
}

/// What code is made for: the machines, and the chip of the portable PTX.
static std::vector<const Chip *> chipsOf(const MachineClass &machines) {
  std::vector<const Chip *> found;
  for (const std::string &machine : machines.machines)
    found.push_back(findChip(machine));
  const Chip *portable = findChip(machines.kernels);
  if (machines.portable && !llvm::is_contained(found, portable))
    found.push_back(portable);
  return found;
}

llvm::Expected<EmittedCode> strata::nvptx::emitCuda(ModuleOp module, const MachineClass &machines) {
  std::vector<std::function<llvm::Expected<EmittedCode>()>> jobs;
  for (const Chip *chip : chipsOf(machines))
    jobs.push_back([&machines, module, chip] {
      return chip->simulated ? emitSimulated(module, *chip) : emitReal(module, *chip, machines);
    });
  auto chips = runAll<EmittedCode>(jobs);
  if (!chips)
    return chips.takeError();
  EmittedCode all;
  all.auxiliary = listAuxiliaryKernels(module);
  for (EmittedCode &chip : *chips) {
    llvm::move(chip.code, std::back_inserter(all.code));
    llvm::move(chip.texts, std::back_inserter(all.texts));
    llvm::move(chip.reports, std::back_inserter(all.reports));
  }
  // Machine code first.
  llvm::stable_sort(all.code, [](const PackageCode &a, const PackageCode &b) {
    return a.format < b.format && b.format == PackageCode::Format::Ptx;
  });
  return all;
}
