//===- CpuTarget.h - the target cpu: x86-64 ---------------------*- C++ -*-===//
#pragma once

#include "codegen/Target.h"

namespace strata::cpu {

/// Its machines are the levels of Level.h, each with a program of its own.
class CpuTarget : public Target {
public:
  llvm::StringRef name() const override { return "cpu"; }
  Option machineOption() const override;
  std::vector<std::string> machines() const override;
  llvm::Expected<std::string> findMachine(llvm::StringRef name) const override;
  std::vector<MachineClass> classify(llvm::ArrayRef<std::string> machines) const override;
  RoundingAttr inputRounding(ProductOpInterface op) const override;
  int64_t workspaceBytes(mlir::Operation *op) const override;
  std::unique_ptr<KernelGenerator> generatorFor(llvm::StringRef machine) const override;
  void registerDialects(mlir::DialectRegistry &registry) const override;
  void buildLowering(mlir::OpPassManager &bodies) const override;
  llvm::Expected<std::vector<EmittedCode>>
  emit(llvm::ArrayRef<LoweredProgram> programs) const override;
  void registerPasses() const override;
};

} // namespace strata::cpu
