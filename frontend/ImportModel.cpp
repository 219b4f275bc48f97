//===- ImportModel.cpp - the stage `import` -------------------------------===//

#include "frontend/ImportModel.h"

#include "dialect/Storage.h"
#include "frontend/BuildDecoder.h"
#include "frontend/FitTokenizer.h"
#include "frontend/Modules.h"
#include "frontend/Parameters.h"
#include "frontend/Presets.h"
#include "frontend/ReadMlir.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include "mlir/IR/Verifier.h"

#include <filesystem>

using namespace mlir;
namespace fs = std::filesystem;

namespace strata {
namespace {

absl::StatusOr<ImportedModel> importConfig(const ModelConfig &config, MLIRContext &context,
                                           const Checkpoint *checkpoint = nullptr) {
  ImportedModel model;
  model.chatTemplate = config.chatTemplate;
  model.warnings = config.notes;
  model.unsupported = config.unsupported;
  model.module = buildDecoder(config, context, checkpoint);
  if (failed(verify(*model.module)))
    return absl::InternalError(absl::StrCat(config.name, ": the module built for it is invalid"));
  return model;
}

//===----------------------------------------------------------------------===//
// The checkpoint against the module
//===----------------------------------------------------------------------===//

/// vocab_size in config.json is what the rows of the embedding are measured against: of the two,
/// the file that people edit is the one to name.
absl::Status checkVocabulary(const ModelConfig &config, const Checkpoint &checkpoint,
                             const std::string &configPath) {
  const std::string key = describeModule(config, ModuleRole::embedding).weightKey();
  const CheckpointTensor *table = checkpoint.find(key);
  if (!table || table->shape.size() != 2 || table->shape[0] == uint64_t(config.vocabulary))
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(configPath, ": vocab_size: expected ",
                                                 table->shape[0], ", the rows of ", key, ", found ",
                                                 config.vocabulary));
}

/// Every parameter is there, in a type that kernels read, with its shape.
absl::Status checkParameters(ModuleOp module, const Checkpoint &checkpoint) {
  absl::Status status;
  module.walk([&](ParameterOp op) {
    for (auto [key, plane] : llvm::zip(op.getKeys(), getPlanes(cast<ShapedType>(op.getType())))) {
      std::vector<uint64_t> shape(plane.getShape().begin(), plane.getShape().end());
      std::span<const DType> types = kParameterTypes;
      if (plane.getElementType().isInteger())
        types = plane.getElementType().isInteger(8) ? std::span<const DType>(kQuantizedTypes)
                                                    : std::span<const DType>(kPackedTypes);
      else if (plane.getRank() == 2 && key == op.getKey())
        types = kMatrixTypes;
      status = checkpoint.require(std::string_view(key), shape, types).status();
      if (!status.ok())
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return status;
}

//===----------------------------------------------------------------------===//
// The kinds of argument
//===----------------------------------------------------------------------===//

/// `argument` is a folder, or a file that is a whole model.
absl::StatusOr<ImportedModel> importCheckpoint(const std::string &argument, MLIRContext &context) {
  absl::StatusOr<Checkpoint> opened = openCheckpoint(argument);
  if (std::error_code ignored; !opened.ok() && !fs::is_directory(argument, ignored))
    return opened.status();
  STRATA_ASSIGN(FoundConfig found, findModelConfig(argument, opened));
  STRATA_ASSIGN(Checkpoint checkpoint, std::move(opened));
  STRATA_TRY(checkVocabulary(found.config, checkpoint, found.path));
  const std::string folder = checkpointFolder(argument);
  STRATA_ASSIGN(std::optional<TokenizerSection> tokenizer,
                readTokenizer(textFolder(argument, &checkpoint), &checkpoint));
  STRATA_TRY(fitTokenizer(tokenizer ? &*tokenizer : nullptr, found.config));
  STRATA_ASSIGN(ImportedModel model, importConfig(found.config, context, &checkpoint));
  STRATA_TRY(checkParameters(*model.module, checkpoint));
  STRATA_TRY(checkPackedShapes(found.config, checkpoint));

  const auto warn = [&](const std::vector<std::string> &notes) {
    model.warnings.insert(model.warnings.end(), notes.begin(), notes.end());
  };
  warn(checkpoint.notes());
  if (tokenizer)
    warn(tokenizer->notes);
  if (auto unused = listUnused(listParameters(found.config), checkpoint); !unused.empty())
    model.warnings.push_back(absl::StrCat(argument, ": ", describeUnused(unused)));
  model.checkpoint = std::make_unique<Checkpoint>(std::move(checkpoint));
  model.directory = folder;
  model.tokenizer = std::move(tokenizer);
  return model;
}

absl::StatusOr<ImportedModel> importConfigFile(const std::string &path, MLIRContext &context) {
  STRATA_ASSIGN(ModelConfig config, readModelConfig(path));
  if (!config.dtypeProblem.empty())
    return absl::InvalidArgumentError(config.dtypeProblem);
  STRATA_TRY(fitTokenizer(nullptr, config));
  return importConfig(config, context);
}

absl::StatusOr<ImportedModel> importMlirFile(const std::string &path, MLIRContext &context) {
  ImportedModel model;
  STRATA_ASSIGN(model.module, readMlir(path, context));
  return model;
}

absl::StatusOr<ImportedModel> importPreset(const std::string &name, MLIRContext &context) {
  absl::StatusOr<ModelConfig> config = findPreset(name);
  if (!config.ok())
    return annotate(config.status(), absl::StrCat(printable(name), ": no such file or folder"));
  return importConfig(*config, context);
}
} // namespace

absl::StatusOr<ImportedModel> importModel(const std::string &argument, MLIRContext &context) {
  fs::path path(argument);
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return importCheckpoint(argument, context);
  if (path.extension() == ".mlir")
    return importMlirFile(argument, context);
  if (path.extension() == ".json")
    return importConfigFile(argument, context);
  if (!fs::exists(path, ignored))
    return importPreset(argument, context);
  if (isCheckpointFile(argument))
    return importCheckpoint(argument, context);
  return absl::InvalidArgumentError(
      absl::StrCat(argument, ": expected a model folder, a .gguf or .nemo file, a config.json, a "
                             ".mlir file or a preset's name"));
}

} // namespace strata
