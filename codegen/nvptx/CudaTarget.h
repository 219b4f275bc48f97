//===- CudaTarget.h - the target cuda: NVIDIA's GPUs ------------*- C++ -*-===//
#pragma once

#include "codegen/Target.h"

namespace strata::nvptx {

/// Its machines are the chips of Chip.h; those of a family share a program.
class CudaTarget : public Target {
public:
  llvm::StringRef name() const override { return "cuda"; }
  Option machineOption() const override;
  std::vector<std::string> machines() const override;
  llvm::Expected<std::string> findMachine(llvm::StringRef name) const override;
  std::vector<MachineClass> classify(llvm::ArrayRef<std::string> machines) const override;
  int64_t workspaceBytes(mlir::Operation *op) const override;
  std::unique_ptr<KernelGenerator> generatorFor(llvm::StringRef machine) const override;
  void registerDialects(mlir::DialectRegistry &registry) const override;
  void buildLowering(mlir::OpPassManager &bodies) const override;
  llvm::Expected<std::vector<EmittedCode>>
  emit(llvm::ArrayRef<LoweredProgram> programs) const override;
  void registerPasses() const override;
  std::vector<std::string> findProblems(const AssemblyReport &report) const override;
  ScheduleColumns readSchedule(const AssemblyReport &report,
                               llvm::ArrayRef<PhaseAttr> phases) const override;
};

} // namespace strata::nvptx
