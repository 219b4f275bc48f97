//===- EmitObject.cpp - the levels' modules to ELF shared objects ---------===//

#include "codegen/cpu/EmitObject.h"

#include "codegen/RunAll.h"
#include "codegen/cpu/CodeUnits.h"
#include "lld/Common/Driver.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Bitcode/BitcodeReader.h"
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

/// What is compiled by itself: bitcode, and what for.
struct Unit {
  std::string bitcode, cpu, features;
};

static Expected<std::unique_ptr<TargetMachine>> createTargetMachine(const Unit &unit) {
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
      target->createTargetMachine(triple, unit.cpu, unit.features, TargetOptions(), Reloc::PIC_,
                                  std::nullopt, CodeGenOptLevel::Default));
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

/// Relocatable code of a unit.
static Expected<std::string> compileUnit(const Unit &unit) {
  LLVMContext context;
  Expected<std::unique_ptr<Module>> module =
      parseBitcodeFile(MemoryBufferRef(unit.bitcode, "kernels"), context);
  if (!module)
    return module.takeError();
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(unit);
  if (!machine)
    return machine.takeError();
  (*module)->setTargetTriple((*machine)->getTargetTriple());
  (*module)->setDataLayout((*machine)->createDataLayout());
  optimize(**module, **machine);
  return assemble(**module, **machine);
}

static Expected<std::string> linkFiles(ArrayRef<std::string> inputs, const std::string &output,
                                       bool mayImport) {
  std::string messages;
  raw_string_ostream log(messages);
  std::vector<const char *> arguments = {"ld.lld",
                                         "-shared",
                                         mayImport ? "--unresolved-symbols=ignore-all"
                                                   : "--no-undefined",
                                         "-z",
                                         "noexecstack",
                                         "--build-id=none",
                                         "--threads=1",
                                         "--no-mmap-output-file",
                                         "-o",
                                         output.c_str()};
  for (const std::string &input : inputs)
    arguments.push_back(input.c_str());
  lld::Result linked = lld::lldMain(arguments, log, log, {{lld::Gnu, &lld::elf::link}});
  auto buffer = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (linked.retCode || !buffer)
    return error("cannot link the kernels: " + messages);
  return (*buffer)->getBuffer().str();
}

/// Links relocatable objects into a shared object. LLD works on files, and on global state.
static Expected<std::string> link(ArrayRef<StringRef> objects, bool mayImport) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  SmallString<128> folder;
  if (std::error_code code = sys::fs::createUniqueDirectory("strata-link", folder))
    return error("cannot create a temporary folder: " + code.message());
  scope_exit cleanup([&] { sys::fs::remove_directories(folder); });
  std::vector<std::string> inputs;
  for (auto [index, object] : llvm::enumerate(objects)) {
    inputs.push_back((folder + "/" + Twine(index) + ".o").str());
    if (Error failed = writeObject(inputs.back(), object))
      return failed;
  }
  return linkFiles(inputs, (folder + "/kernels.so").str(), mayImport);
}

/// The units of a level's module.
static Expected<std::vector<Unit>> split(const LevelModule &input) {
  const Level &level = *input.level;
  LLVMContext context;
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(input.module, context, level.name);
  if (!module)
    return error("cannot translate the kernels for " + level.name + " to LLVM IR");
  std::vector<Unit> units;
  for (CodeUnit &unit : splitIntoUnits(*module)) {
    // Code without tiles is the same for the level below, and compiled once for both.
    StringRef tiles = unit.usesTiles ? StringRef(level.tileFeatures) : "";
    units.push_back(
        {std::move(unit.bitcode), level.llvmCpu.str(), (level.llvmFeatures + tiles).str()});
  }
  return units;
}

namespace {
/// Units of all levels, those that are the same once.
class DistinctUnits {
public:
  /// Index of the unit.
  size_t add(Unit unit) {
    std::string key = unit.cpu + ' ' + unit.features + '\n' + unit.bitcode;
    auto [found, isNew] = indices.try_emplace(key, units.size());
    if (isNew)
      units.push_back(std::move(unit));
    return found->second;
  }

  /// Objects by index.
  Expected<std::vector<std::string>> compile() const {
    std::vector<std::function<Expected<std::string>()>> jobs;
    for (const Unit &unit : units)
      jobs.push_back([&unit] { return compileUnit(unit); });
    return strata::runAll<std::string>(jobs);
  }

private:
  StringMap<size_t> indices;
  std::vector<Unit> units;
};
} // namespace

Expected<std::vector<std::string>> strata::cpu::emitSharedObjects(ArrayRef<LevelModule> modules,
                                                                  bool mayImport) {
  std::vector<std::function<Expected<std::vector<Unit>>()>> splits;
  for (const LevelModule &module : modules)
    splits.push_back([&module] { return split(module); });
  auto levels = strata::runAll<std::vector<Unit>>(splits);
  if (!levels)
    return levels.takeError();
  DistinctUnits distinct;
  std::vector<std::vector<size_t>> indices;
  for (std::vector<Unit> &units : *levels) {
    indices.emplace_back();
    for (Unit &unit : units)
      indices.back().push_back(distinct.add(std::move(unit)));
  }
  auto compiled = distinct.compile();
  if (!compiled)
    return compiled.takeError();
  std::vector<std::string> linked;
  for (const std::vector<size_t> &units : indices) {
    auto objects =
        llvm::map_to_vector(units, [&](size_t i) -> StringRef { return (*compiled)[i]; });
    Expected<std::string> object = link(objects, mayImport);
    if (!object)
      return object.takeError();
    linked.push_back(std::move(*object));
  }
  return linked;
}
