//===- Target.h - what programs are compiled for ----------------*- C++ -*-===//
//
// A target is a kind of device. Everything that the stages ask of one is a method here, so that a
// new one is a class and a line in Targets.cpp. Its *machines* are what code can be made for:
// levels of x86-64, chips of NVIDIA.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Buffers.h"
#include "codegen/EmitPackage.h"
#include "codegen/KernelSpec.h"
#include "mlir/Pass/PassManager.h"
#include <memory>
#include <string>
#include <vector>

namespace strata {

/// Machines that run the same kernels and so share a program of the package.
struct MachineClass {
  std::string kernels;               ///< the machine whose kernels they run
  std::vector<std::string> machines; ///< that code is made for, best first
  bool portable = false;             ///< and code for machines that are not named
};

/// A program after the stage `llvm`.
struct LoweredProgram {
  mlir::ModuleOp module;
  const MachineClass *machines;
};

/// What an assembler says of the kernels for one machine.
struct AssemblyReport {
  std::string machine, text;
};

/// Code as text, whether or not the package holds it: a file for --dump-dir.
struct CodeText {
  std::string file, text;
};

/// The machine code of a program.
struct EmittedCode {
  std::vector<PackageCode> code; ///< best first
  std::vector<PackageAuxiliary> auxiliary;
  std::vector<CodeText> texts;
  std::vector<AssemblyReport> reports;
};

/// Columns of --print-schedule that one machine adds: `rows` has cells for each phase.
struct ScheduleColumns {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

/// Writes the kernels of one program into a nested module.
class KernelGenerator {
public:
  virtual ~KernelGenerator() = default;

  /// The kernel of an op on buffers, or failure with an error at the op.
  virtual mlir::FailureOr<KernelSpec> describe(mlir::Operation *op) = 0;
  /// The symbol of a phase's function.
  virtual std::string symbolOf(llvm::StringRef kernel, const PhaseSpec &phase) const = 0;
  /// Creates the nested module that the bodies go into.
  virtual mlir::ModuleOp createModule(mlir::OpBuilder &builder, mlir::Location loc) = 0;
  /// Writes a phase's function into that module.
  virtual void emitFunction(mlir::ModuleOp bodies, mlir::StringAttr symbol, const PhaseSpec &phase,
                            llvm::ArrayRef<BufferRef> buffers, mlir::Location loc) = 0;
  /// Called once all kernels of the program are written.
  virtual void finish(mlir::ModuleOp bodies) {}
};

class Target {
public:
  virtual ~Target() = default;

  /// The device in a package, and what --target names: "cpu".
  virtual llvm::StringRef name() const = 0;

  // The command line.
  /// The option that names machines, its value and what --help says of it.
  struct Option {
    std::string name, value, help;
  };
  virtual Option machineOption() const = 0;
  /// All machines, best first.
  virtual std::vector<std::string> machines() const = 0;
  /// The machine that a value of the option stands for; the error says what was expected.
  virtual llvm::Expected<std::string> findMachine(llvm::StringRef name) const = 0;
  /// The programs that machines need; of the default ones if none is named.
  virtual std::vector<MachineClass> classify(llvm::ArrayRef<std::string> machines) const = 0;

  // The stages.
  /// plan: to what the input of a product is rounded that has no such clause; null: to nothing.
  virtual RoundingAttr inputRounding(ProductOpInterface op) const { return {}; }
  /// plan: bytes of workspace for each token of a step that the op's kernel wants; 0: none.
  virtual int64_t workspaceBytes(mlir::Operation *op) const = 0;
  /// kernels: null if there is no such machine; the best one if the name is empty.
  virtual std::unique_ptr<KernelGenerator> generatorFor(llvm::StringRef machine) const = 0;
  /// Of all ops that bodies are written in.
  virtual void registerDialects(mlir::DialectRegistry &registry) const = 0;
  /// llvm: lowers the nested module.
  virtual void buildLowering(mlir::OpPassManager &bodies) const = 0;
  /// package: machine code of each of the target's programs.
  virtual llvm::Expected<std::vector<EmittedCode>>
  emit(llvm::ArrayRef<LoweredProgram> programs) const = 0;
  /// Registers the target's own passes and pipelines for strata-opt.
  virtual void registerPasses() const = 0;

  // What people look at.
  /// What of a report must not be, each as a sentence that names the kernel.
  virtual std::vector<std::string> findProblems(const AssemblyReport &report) const { return {}; }
  /// What a report says of phases, for --print-schedule.
  virtual ScheduleColumns readSchedule(const AssemblyReport &report,
                                       llvm::ArrayRef<PhaseAttr> phases) const {
    return {};
  }
};

/// All of them.
llvm::ArrayRef<const Target *> targets();
/// Null if there is none of that name.
const Target *findTarget(llvm::StringRef name);
/// The same for a pass, which then has said so at `op`.
const Target *findTarget(llvm::StringRef name, mlir::Operation *op);
/// "cpu, cuda".
std::string targetNames();

} // namespace strata
