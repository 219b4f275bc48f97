//===- Compile.cpp - a model through the stages ---------------------------===//

#include "compiler/Compile.h"

#include "codegen/RunAll.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace strata;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::StringRef asText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// Notes the norms' weights of the program that include the 1.
static void collectIncludesOne(ModuleOp module, llvm::StringSet<> &keys) {
  module.walk([&](NormOpInterface op) {
    if (op.getGammaIncludesOne())
      if (auto gamma = op.getGamma().getDefiningOp<ParameterOp>())
        keys.insert(gamma.getKey());
  });
}

/// What the package says beside the program: files, tensors, tokenizer, machine code.
static llvm::Expected<PackageInputs> collectInputs(const ImportedModel &model,
                                                   const CompileOptions &options) {
  PackageInputs inputs;
  inputs.compiler = options.compiler;
  inputs.embedWeights = options.embedWeights;
  collectIncludesOne(*model.module, inputs.includesOne);
  if (model.checkpoint) {
    llvm::SmallString<256> directory;
    if (std::error_code code = llvm::sys::fs::real_path(model.directory, directory))
      return error(model.directory + ": " + code.message());
    inputs.weightsDirectory = directory.str();
    for (const CheckpointFile &file : model.checkpoint->files())
      inputs.files.push_back({file.name, file.bytes, file.header});
    for (const auto &[key, tensor] : model.checkpoint->tensors())
      inputs.tensors[key] = {tensor.file, tensor.offset, asText(tensor.bytes)};
  }
  if (model.tokenizer)
    inputs.tokenizer = PackageTokenizer{model.tokenizer->name, model.tokenizer->bytes};
  inputs.chatTemplate = model.chatTemplate;
  return inputs;
}

namespace {
/// The program of one target and class of machines; before `plan`, of all of them.
struct Program {
  const TargetChoice *choice;
  OwningOpRef<ModuleOp> module;
  MachineClass machines = {}; ///< from `kernels` on

  const Target &target() const { return *choice->target; }
};

class Compiler {
public:
  Compiler(ImportedModel &model, const CompileOptions &options) : model(model), options(options) {
    programs.push_back({&options.targets.front(), model.module->clone()});
  }

  llvm::Expected<std::string> run();

private:
  llvm::Expected<std::string> runStage(Stage stage);
  llvm::Error runPasses(Stage stage, Program &program);
  llvm::Error lowerTogether(const Target &target);
  llvm::Expected<std::vector<EmittedCode>> emitAll();
  llvm::Expected<std::string> runPackage();
  llvm::Error show(const EmittedCode &emitted);
  llvm::Error dumpStage(Stage stage, llvm::StringRef result);
  void splitByTarget();
  void splitByMachines();
  std::string print();

  ImportedModel &model;
  const CompileOptions &options;
  std::vector<Program> programs;
};
} // namespace

/// From here on each target has a program of its own.
void Compiler::splitByTarget() {
  for (const TargetChoice &choice : llvm::drop_begin(options.targets))
    programs.push_back({&choice, programs.front().module->clone()});
}

/// From here on each class of a target's machines has a program of its own.
void Compiler::splitByMachines() {
  std::vector<Program> split;
  for (Program &program : programs)
    for (MachineClass &machines : program.target().classify(program.choice->machines))
      split.push_back({program.choice, program.module->clone(), std::move(machines)});
  programs = std::move(split);
}

std::string Compiler::print() {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (Program &program : programs) {
    if (&program != &programs.front())
      os << "// -----\n";
    program.module->print(os);
    os << '\n';
  }
  return text;
}

llvm::Error Compiler::runPasses(Stage stage, Program &program) {
  PassManager pm(program.module->getContext());
  switch (stage) {
  case Stage::Import:
  case Stage::Package:
    return llvm::Error::success();
  case Stage::Fuse:
    populateFuse(pm, options.fuse);
    break;
  case Stage::Plan:
    populatePlan(pm, program.target());
    break;
  case Stage::Kernels:
    populateKernels(pm, program.target(), program.machines);
    break;
  case Stage::Llvm:
    return llvm::Error::success(); // lowerTogether
  }
  if (failed(pm.run(*program.module)))
    return error("the stage '" + stageName(stage) + "' failed");
  return llvm::Error::success();
}

/// The stage `llvm` of a target's programs, side by side: MLIR runs a pipeline on the modules
/// inside of one module in parallel.
llvm::Error Compiler::lowerTogether(const Target &target) {
  OwningOpRef<ModuleOp> all(ModuleOp::create(UnknownLoc::get(model.module->getContext())));
  std::vector<Program *> inside;
  for (Program &program : programs)
    if (&program.target() == &target) {
      all->push_back(program.module.release());
      inside.push_back(&program);
    }
  PassManager pm(all->getContext());
  populateLlvm(pm.nest<ModuleOp>(), target);
  pm.enableVerifier(false); // once at the end; behind each pass it took a third of the stage's time
  bool good = succeeded(pm.run(*all)) && succeeded(verify(*all));
  auto modules = llvm::to_vector(all->getOps<ModuleOp>());
  for (auto [program, module] : llvm::zip_equal(inside, modules)) {
    module->remove();
    program->module = module;
  }
  return good ? llvm::Error::success() : error("the stage 'llvm' failed");
}

/// Tells the caller of machine code what can be read of it.
llvm::Error Compiler::show(const EmittedCode &emitted) {
  for (const AssemblyReport &report : emitted.reports)
    if (options.onAssembled)
      options.onAssembled(report);
  for (const CodeText &text : emitted.texts)
    if (options.dump)
      if (llvm::Error failed = options.dump(text.file, text.text))
        return failed;
  return llvm::Error::success();
}

llvm::Error Compiler::dumpStage(Stage stage, llvm::StringRef result) {
  if (!options.dump)
    return llvm::Error::success();
  return options.dump((stageName(stage) + (stage == Stage::Package ? ".strata" : ".mlir")).str(),
                      result);
}

/// The code of all programs, in order: targets side by side.
llvm::Expected<std::vector<EmittedCode>> Compiler::emitAll() {
  using Codes = std::vector<EmittedCode>;
  std::vector<std::function<llvm::Expected<Codes>()>> jobs;
  for (const TargetChoice &choice : options.targets)
    jobs.push_back([&] {
      std::vector<LoweredProgram> lowered;
      for (Program &program : programs)
        if (program.choice == &choice)
          lowered.push_back({*program.module, &program.machines});
      return choice.target->emit(lowered);
    });
  auto emitted = runAll<Codes>(jobs);
  if (!emitted)
    return emitted.takeError();
  Codes all; // programs stand in the order of their targets
  for (Codes &codes : *emitted)
    std::move(codes.begin(), codes.end(), std::back_inserter(all));
  return all;
}

llvm::Expected<std::string> Compiler::runPackage() {
  auto inputs = collectInputs(model, options);
  if (!inputs)
    return inputs.takeError();
  auto emitted = emitAll();
  if (!emitted)
    return emitted.takeError();
  std::vector<PackageDevice> devices;
  for (auto [program, code] : llvm::zip_equal(programs, *emitted)) {
    if (llvm::Error failed = show(code))
      return failed;
    devices.push_back({program.target().name().str(), *program.module, std::move(code.code),
                       std::move(code.auxiliary)});
  }
  return emitPackage(devices, *inputs);
}

/// The stage's result: the package, or MLIR text if somebody wants it.
llvm::Expected<std::string> Compiler::runStage(Stage stage) {
  if (stage == Stage::Plan)
    splitByTarget();
  if (stage == Stage::Kernels)
    splitByMachines();
  if (stage == Stage::Llvm)
    for (const TargetChoice &choice : options.targets)
      if (llvm::Error failed = lowerTogether(*choice.target))
        return failed;
  for (Program &program : programs) {
    if (llvm::Error failed = runPasses(stage, program))
      return failed;
    if (options.onStage)
      options.onStage({stage, &program.target(), program.machines, *program.module});
  }
  if (stage == Stage::Package)
    return runPackage();
  return stage == options.stopAfter || options.dump ? print() : std::string();
}

llvm::Expected<std::string> Compiler::run() {
  for (Stage stage : kStages) {
    auto result = runStage(stage);
    if (!result)
      return result.takeError();
    if (llvm::Error failed = dumpStage(stage, *result))
      return failed;
    if (stage == options.stopAfter)
      return result;
  }
  llvm_unreachable("the last stage is `package`");
}

llvm::Expected<std::string> strata::compile(ImportedModel &model, const CompileOptions &options) {
  MLIRContext &context = *model.module->getContext();
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerNVVMDialectTranslation(context);
  return Compiler(model, options).run();
}
