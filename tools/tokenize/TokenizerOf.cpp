//===- TokenizerOf.cpp - the tokenizer of a package or a model ------------===//

#include "tools/tokenize/TokenizerOf.h"

#include "frontend/ModelConfig.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Load.h"

#include <filesystem>

namespace strata {
namespace {

absl::StatusOr<LoadedTokenizer> ofPackage(const std::string &path) {
  LoadedTokenizer loaded;
  STRATA_ASSIGN(loaded.package, Package::open(path));
  STRATA_ASSIGN(loaded.tokenizer, loadTokenizer(*loaded.package));
  if (const package::Model &model = loaded.package->model(); model.add_bos())
    loaded.bos = model.bos_token();
  return loaded;
}

absl::StatusOr<LoadedTokenizer> ofModel(const std::string &path) {
  const auto checkpoint = openCheckpoint(path);
  STRATA_ASSIGN(FoundConfig found, findModelConfig(path, checkpoint));
  LoadedTokenizer loaded;
  const Checkpoint *opened = checkpoint.ok() ? &*checkpoint : nullptr;
  STRATA_ASSIGN(loaded.section, readTokenizer(textFolder(path, opened), opened));
  if (!loaded.section)
    return absl::NotFoundError(
        absl::StrCat(path, ": expected a tokenizer.model or tokenizer.json, found neither"));
  const TokenizerSection &section = *loaded.section;
  STRATA_ASSIGN(loaded.tokenizer,
                loadTokenizer(section.name, std::as_bytes(std::span(section.bytes)), section.file));
  const ModelConfig &config = found.config;
  if (config.addBosKnown ? config.addBos : !section.prefix.empty())
    loaded.bos = int32_t(config.bosToken);
  return loaded;
}

} // namespace

absl::StatusOr<LoadedTokenizer> loadTokenizerOf(const std::string &path) {
  std::error_code ignored;
  const bool isModel = std::filesystem::is_directory(path, ignored) || isCheckpointFile(path);
  return isModel ? ofModel(path) : ofPackage(path);
}

} // namespace strata
