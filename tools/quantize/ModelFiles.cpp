//===- ModelFiles.cpp - what lies beside the weights ----------------------===//

#include "tools/quantize/ModelFiles.h"

#include "frontend/Modules.h"
#include "frontend/Quantization.h"
#include "runtime/base/Json.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"
#include "runtime/tokenizer/TokenizerFile.h"
#include "tools/command_line/JsonWriter.h"

#include "absl/strings/ascii.h"

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr const char *kTokenizers[] = {"tokenizer.model", "tokenizer.json"};
constexpr const char *kTemplate = "chat_template.jinja";
constexpr const char *kNeighbours[] = {"generation_config.json", "tokenizer_config.json",
                                       "special_tokens_map.json", "added_tokens.json", kTemplate};

//===----------------------------------------------------------------------===//
// config.json
//===----------------------------------------------------------------------===//

/// `"quantization_config": {...}`, indented as the member of an object.
std::string quantizationMember(const WeightScheme &scheme,
                               const std::vector<std::string> &ignored) {
  const char *format = scheme.packed ? "pack-quantized" : "int-quantized";
  JsonWriter json;
  json.beginObject().key("quantization_config").beginObject();
  json.member("quant_method", "compressed-tensors").member("format", format);
  json.member("quantization_status", "compressed");
  json.key("config_groups").beginObject().key("group_0").beginObject();
  json.list("targets", std::vector<std::string>{"Linear"}).key("weights").beginObject();
  json.member("num_bits", scheme.bits).member("type", "int").member("symmetric", true);
  json.member("strategy", "group").member("group_size", scheme.group).member("dynamic", false);
  json.endObject().key("input_activations").null();
  json.member("format", format).endObject().endObject();
  json.list("ignore", ignored).endObject();
  const std::string object = json.endObject().take();
  return object.substr(1, object.rfind('}') - 1); // without the outer braces
}

/// The text of the model's config.json.
absl::StatusOr<std::string> configText(const OpenedModel &model) {
  const std::string &own = model.checkpoint.config();
  return own.empty() ? readFile(model.config.path, kMaxConfigBytes)
                     : absl::StatusOr<std::string>(own);
}

/// Its text as it was, with one more member at the end.
absl::Status writeConfig(const OpenedModel &model, const OutputFolder &folder) {
  STRATA_ASSIGN(std::string text, configText(model));
  JsonDocument::Notes told; // where the configuration was read
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, model.config.path, &told));
  STRATA_ASSIGN(const JsonObject object, document.object());
  if (object.find("quantization_config"))
    return object.error("quantization_config", "expected no such key, found null");
  std::vector<std::string> ignored;
  for (const Module &module : listModules(model.config.config))
    if (module.kind == ModuleKind::linear && !module.stored)
      ignored.push_back(module.path);
  text.erase(text.rfind('}'));
  absl::StripTrailingAsciiWhitespace(&text);
  absl::StrAppend(&text, ",", quantizationMember(model.scheme, ignored), "}\n");
  return folder.write("config.json", std::as_bytes(std::span(text)));
}

//===----------------------------------------------------------------------===//
// The tokenizer
//===----------------------------------------------------------------------===//

absl::Status copyIfThere(const fs::path &from, const char *name, const OutputFolder &folder) {
  std::error_code ignored;
  if (!fs::exists(from / name, ignored))
    return absl::OkStatus();
  STRATA_ASSIGN(const MappedFile file, MappedFile::open(from / name));
  return folder.write(name, file.bytes());
}

/// The tokenizer that is in the file of the weights itself; empty if there is none.
absl::StatusOr<std::optional<TokenizerSection>> ownTokenizer(const OpenedModel &model,
                                                             const std::string &from) {
  if (!model.checkpoint.tokenizer())
    return std::optional<TokenizerSection>();
  return readTokenizer(from, &model.checkpoint);
}

absl::Status writeTokenizer(const OpenedModel &model, const OutputFolder &folder) {
  const std::string from = textFolder(model.argument, &model.checkpoint);
  for (const char *name : kNeighbours)
    STRATA_TRY(copyIfThere(from, name, folder));
  if (const std::string &jinja = model.checkpoint.chatTemplate(); !jinja.empty()) {
    std::error_code ignored;
    if (!fs::exists(fs::path(from) / kTemplate, ignored))
      STRATA_TRY(folder.write(kTemplate, std::as_bytes(std::span(jinja))));
  }
  STRATA_ASSIGN(const std::optional<TokenizerSection> own, ownTokenizer(model, from));
  if (own)
    return folder.write("tokenizer.model", std::as_bytes(std::span(own->bytes)));
  for (const char *name : kTokenizers)
    STRATA_TRY(copyIfThere(from, name, folder));
  return absl::OkStatus();
}

} // namespace

absl::Status writeModelFiles(const OpenedModel &model, const OutputFolder &folder) {
  STRATA_TRY(writeConfig(model, folder));
  return writeTokenizer(model, folder);
}

} // namespace strata
