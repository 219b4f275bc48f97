//===- InspectModel.cpp - reads what there is of a model ------------------===//

#include "frontend/FitTokenizer.h"
#include "frontend/Parameters.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "tools/inspect/Inspect.h"

#include <algorithm>
#include <filesystem>

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostReasons = 8; // about tensors; the rest is counted

void refuse(InspectedModel &model, const absl::Status &status) {
  if (!status.ok())
    model.refused.emplace_back(status.message());
}

absl::Status openTokenizer(const std::string &folder, InspectedModel &model) {
  STRATA_ASSIGN(model.tokenizerSection,
                readTokenizer(folder, model.checkpoint ? &*model.checkpoint : nullptr));
  if (!model.tokenizerSection)
    return absl::OkStatus();
  const TokenizerSection &section = *model.tokenizerSection;
  STRATA_ASSIGN(model.tokenizer,
                loadTokenizer(section.name, std::as_bytes(std::span(section.bytes)), section.file));
  return absl::OkStatus();
}

/// What the configuration asks for and the checkpoint does not have, and the other way round.
void compare(InspectedModel &model) {
  size_t reasons = 0;
  std::vector<ParameterShape> parameters = listParameters(*model.config);
  for (const ParameterShape &parameter : parameters) {
    absl::Status status =
        model.checkpoint->require(parameter.key, parameter.shape, parameter.dtypes).status();
    if (!status.ok() && ++reasons <= kMostReasons)
      refuse(model, status);
  }
  if (reasons > kMostReasons)
    model.refused.push_back(
        absl::StrCat(model.path, ": ", reasons - kMostReasons, " more tensors like these"));
  for (std::string_view key : listUnused(parameters, *model.checkpoint))
    model.unused.emplace_back(key);
}

void addNotes(InspectedModel &model) {
  const auto add = [&](const std::vector<std::string> &notes) {
    model.notes.insert(model.notes.end(), notes.begin(), notes.end());
  };
  if (model.config)
    add(model.config->notes);
  if (model.config)
    for (const auto &[target, reason] : model.config->unsupported)
      model.notes.push_back(reason);
  if (model.checkpoint)
    add(model.checkpoint->notes());
  if (model.tokenizerSection)
    add(model.tokenizerSection->notes);
}

/// A folder, or a file that is a whole model.
InspectedModel inspectCheckpoint(const std::string &path) {
  InspectedModel model;
  model.path = path;
  auto checkpoint = openCheckpoint(path);
  auto config = findModelConfig(path, checkpoint);
  refuse(model, config.status());
  if (config.ok())
    model.config = std::move(config->config);
  if (checkpoint.status() != config.status())
    refuse(model, checkpoint.status());
  if (checkpoint.ok())
    model.checkpoint = *std::move(checkpoint);
  const Checkpoint *opened = model.checkpoint ? &*model.checkpoint : nullptr;
  const absl::Status tokenizer = openTokenizer(textFolder(path, opened), model);
  model.tokenizerRefused = !tokenizer.ok();
  refuse(model, tokenizer);
  if (model.config)
    refuse(model, fitTokenizer(model.tokenizerSection ? &*model.tokenizerSection : nullptr,
                               *model.config));
  if (model.config && model.checkpoint)
    compare(model);
  addNotes(model);
  return model;
}

} // namespace

absl::StatusOr<InspectedModel> inspectModel(const std::string &path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return absl::NotFoundError(absl::StrCat(printable(path), ": no such file or folder"));
  if (fs::is_directory(path, ignored) || isCheckpointFile(path))
    return inspectCheckpoint(path);
  InspectedModel model;
  model.path = path;
  if (fs::path(path).extension() == ".json") {
    STRATA_ASSIGN(model.config, readModelConfig(path));
    if (!model.config->dtypeProblem.empty())
      model.refused.push_back(model.config->dtypeProblem);
    refuse(model, fitTokenizer(nullptr, *model.config));
    addNotes(model);
  } else if (isTensorFile(path)) {
    STRATA_ASSIGN(model.checkpoint, openTensorFile(path));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a package, a model folder, a config.json, a .gguf, .nemo, "
                           ".safetensors or .bin file"));
  }
  return model;
}

} // namespace strata
