//===- EmitPtx.cpp - the module @cuda to PTX and cubins -------------------===//

#include "codegen/nvptx/EmitPtx.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

using namespace llvm;
using namespace strata;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

static Error error(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static Expected<std::unique_ptr<TargetMachine>> createTargetMachine(StringRef chip) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return error("cannot generate PTX: " + message);
  // PTX 8.0 is the first that knows sm_90a; drivers from CUDA 12.0 on take it.
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(triple, chip, "+ptx80", TargetOptions(), std::nullopt,
                                  std::nullopt, CodeGenOptLevel::Aggressive));
}

static void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

/// A copy of the module in which no nvvm op is left that LLVM IR has no intrinsic for.
static Expected<mlir::OwningOpRef<mlir::ModuleOp>> lowerNvvm(mlir::ModuleOp cudaModule) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(cudaModule.clone());
  mlir::PassManager pm(copy->getContext());
  pm.addPass(mlir::createConvertNVVMToLLVMPass());
  if (failed(pm.run(*copy)))
    return error("cannot lower the GPU kernels' NVVM ops");
  return copy;
}

Expected<std::string> strata::nvptx::emitPtx(mlir::ModuleOp cudaModule, StringRef chip) {
  auto lowered = lowerNvvm(cudaModule);
  if (!lowered)
    return lowered.takeError();
  LLVMContext context;
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(**lowered, context, "strata");
  if (!module)
    return error("cannot translate the GPU kernels to LLVM IR");
  auto machine = createTargetMachine(chip);
  if (!machine)
    return machine.takeError();
  module->setTargetTriple((*machine)->getTargetTriple());
  module->setDataLayout((*machine)->createDataLayout());
  optimize(*module, **machine);
  SmallString<0> text;
  raw_svector_ostream os(text);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr, CodeGenFileType::AssemblyFile))
    return error("the NVPTX target cannot emit PTX");
  passes.run(*module);
  return std::string(text);
}

std::optional<std::string> strata::nvptx::findPtxas() {
  if (auto found = sys::findProgramByName("ptxas"))
    return *found;
  if (auto found = sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
    return *found;
  return std::nullopt;
}

static std::string readAll(const Twine &path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

static Error writeAll(StringRef path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return error(path + ": " + code.message());
  os << bytes;
  os.close();
  code = os.error();
  os.clear_error();
  return code ? error(path + ": " + code.message()) : Error::success();
}

Expected<nvptx::Cubin> strata::nvptx::assemblePtx(StringRef ptx, StringRef chip,
                                                  const std::string &ptxas) {
  SmallString<128> folder;
  if (std::error_code code = sys::fs::createUniqueDirectory("strata-ptxas", folder))
    return error("cannot create a temporary folder: " + code.message());
  scope_exit cleanup([&] { sys::fs::remove_directories(folder); });
  std::string input = (folder + "/kernels.ptx").str(), output = (folder + "/kernels.cubin").str(),
              log = (folder + "/log").str();
  if (Error failed = writeAll(input, ptx))
    return failed;
  std::string arch = ("-arch=" + chip).str();
  StringRef arguments[] = {ptxas, "-v", "--warn-on-spills", arch, input, "-o", output};
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log), StringRef(log)};
  std::string problem;
  int status = sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &problem);
  std::string report = readAll(log);
  if (status)
    return error(ptxas + " failed for " + chip + ": " + problem + report);
  return Cubin{readAll(output), std::move(report)};
}
