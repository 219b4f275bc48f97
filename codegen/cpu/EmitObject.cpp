//===- EmitObject.cpp - a level's module to an ELF shared object ----------===//

#include "codegen/cpu/EmitObject.h"

#include "lld/Common/Driver.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace strata::cpu;

static Error error(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static Expected<std::unique_ptr<TargetMachine>> createTargetMachine(const Level &level) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
  });
  Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return error("cannot generate x86-64 code: " + message);
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(triple, level.llvmCpu, level.llvmFeatures, TargetOptions(),
                                  Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

/// The kernels are scheduled and vectorized already; what is left is to inline, clean up and
/// unroll.
static void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, tuning);
  // No loop may become a call of memcpy or memset: the object imports nothing.
  functions.registerPass([&] {
    TargetLibraryInfoImpl none(machine.getTargetTriple());
    none.disableAllFunctions();
    return TargetLibraryAnalysis(none);
  });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

static Expected<std::string> assemble(Module &module, TargetMachine &machine) {
  SmallString<0> bytes;
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, CodeGenFileType::ObjectFile))
    return error("the x86-64 target cannot emit object files");
  passes.run(module);
  return std::string(bytes);
}

static Error writeObject(StringRef path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    os.close();
    code = os.error();
    os.clear_error();
  }
  return code ? error(path + ": " + code.message()) : Error::success();
}

static Expected<std::string> linkFiles(const std::string &input, const std::string &output,
                                       bool mayImport) {
  std::string messages;
  raw_string_ostream log(messages);
  const char *arguments[] = {"ld.lld",
                             "-shared",
                             mayImport ? "--unresolved-symbols=ignore-all" : "--no-undefined",
                             "-z",
                             "noexecstack",
                             "--build-id=none",
                             "--threads=1",
                             "--no-mmap-output-file",
                             "-o",
                             output.c_str(),
                             input.c_str()};
  lld::Result linked = lld::lldMain(arguments, log, log, {{lld::Gnu, &lld::elf::link}});
  auto buffer = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (linked.retCode || !buffer)
    return error("cannot link the kernels: " + messages);
  return (*buffer)->getBuffer().str();
}

/// Links one relocatable object into a shared object. LLD works on files, and on global state.
static Expected<std::string> link(StringRef object, bool mayImport) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  SmallString<128> folder;
  if (std::error_code code = sys::fs::createUniqueDirectory("strata-link", folder))
    return error("cannot create a temporary folder: " + code.message());
  scope_exit cleanup([&] { sys::fs::remove_directories(folder); });
  std::string input = (folder + "/kernels.o").str(), output = (folder + "/kernels.so").str();
  if (Error failed = writeObject(input, object))
    return failed;
  return linkFiles(input, output, mayImport);
}

Expected<std::string> strata::cpu::emitSharedObject(mlir::ModuleOp mlirModule, const Level &level,
                                                    bool mayImport) {
  LLVMContext context;
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(mlirModule, context, level.name);
  if (!module)
    return error("cannot translate the kernels for " + level.name + " to LLVM IR");
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(level);
  if (!machine)
    return machine.takeError();
  module->setTargetTriple((*machine)->getTargetTriple());
  module->setDataLayout((*machine)->createDataLayout());
  optimize(*module, **machine);
  Expected<std::string> object = assemble(*module, **machine);
  if (!object)
    return object.takeError();
  return link(*object, mayImport);
}
