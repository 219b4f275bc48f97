//===- Compile.cpp - a model through the stages ---------------------------===//

#include "tools/Compile.h"

#include "runtime/TokenizerModel.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace strata;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::StringRef asText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  os << '\n';
  return text;
}

/// What the package says beside the program: files, tensors, tokenizer, machine code.
static llvm::Expected<PackageInputs> collectInputs(const ImportedModel &model,
                                                   const CompileOptions &options) {
  PackageInputs inputs;
  inputs.compiler = options.compiler;
  inputs.embedWeights = options.embedWeights;
  if (model.checkpoint) {
    llvm::SmallString<256> directory;
    if (std::error_code code = llvm::sys::fs::real_path(model.directory, directory))
      return error(model.directory + ": " + code.message());
    inputs.weightsDirectory = directory.str();
    for (const CheckpointFile &file : model.checkpoint->files())
      inputs.files.push_back({file.name, file.size, asText(file.header)});
    for (const auto &[key, tensor] : model.checkpoint->tensors())
      inputs.tensors[key] = {tensor.file, tensor.offset, asText(tensor.bytes)};
  }
  if (!model.tokenizerPath.empty()) {
    // Whoever runs the package cannot mend its tokenizer: refuse a bad one here.
    absl::StatusOr<std::string> bytes = readFile(model.tokenizerPath, kMaxTokenizerBytes);
    if (bytes.ok())
      if (absl::Status status = parseTokenizerModel(*bytes, model.tokenizerPath).status();
          !status.ok())
        bytes = status;
    if (!bytes.ok())
      return error(std::string(bytes.status().message()));
    inputs.tokenizer = *std::move(bytes);
  }
  auto objects = emitObjects(*model.module);
  if (!objects)
    return objects.takeError();
  for (cpu::Object &object : *objects) {
    std::vector<std::string> features(object.level->required.begin(), object.level->required.end());
    inputs.code.push_back({object.level->name.str(), features, std::move(object.elf)});
  }
  return inputs;
}

static llvm::Expected<std::string> runPackage(ImportedModel &model, const CompileOptions &options) {
  auto inputs = collectInputs(model, options);
  if (!inputs)
    return inputs.takeError();
  return emitPackage(*model.module, *inputs);
}

/// The stages between `import` and `package`, which are passes.
static llvm::Expected<std::string> runPasses(ImportedModel &model, Stage stage,
                                             const CompileOptions &options, bool wantText) {
  using Populate = void (*)(OpPassManager &, const PipelineOptions &);
  static constexpr Populate populate[] = {nullptr, populateFuse, populatePlan, populateKernels,
                                          populateLlvm};
  if (Populate stagePasses = populate[static_cast<int>(stage)]) {
    PassManager pm(model.module->getContext());
    stagePasses(pm, options.pipeline);
    if (failed(pm.run(*model.module)))
      return error("the stage '" + stageName(stage) + "' failed");
  }
  return wantText ? print(*model.module) : std::string();
}

llvm::Expected<std::string> strata::compile(ImportedModel &model, const CompileOptions &options) {
  MLIRContext &context = *model.module->getContext();
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  for (Stage stage : kStages) {
    bool last = stage == options.stopAfter;
    auto text = stage == Stage::Package ? runPackage(model, options)
                                        : runPasses(model, stage, options, last || options.dump);
    if (!text)
      return text.takeError();
    if (options.onStage)
      options.onStage(stage);
    if (options.dump)
      if (llvm::Error failed = options.dump(stage, *text))
        return failed;
    if (last)
      return text;
  }
  llvm_unreachable("the last stage is `package`");
}
