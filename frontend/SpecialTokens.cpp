//===- SpecialTokens.cpp - tokens that begin and end a text ---------------===//

#include "frontend/SpecialTokens.h"

#include "frontend/ChatTemplate.h"
#include "frontend/ModelConfig.h"
#include "runtime/base/Json.h"
#include "runtime/base/Status.h"

#include <optional>

namespace strata {
namespace {

/// They list every added token: 180 kB in the released models.
constexpr uint64_t kMaxTokenizerConfigBytes = uint64_t(16) << 20;

/// An id that no row of the embedding has is never generated, nor can it be run: it is noted, and
/// left out.
bool isRow(const JsonValue &value, int64_t id, ModelConfig &config) {
  if (id >= 0 && id < config.vocabulary)
    return true;
  config.notes.emplace_back(
      value.mismatch(absl::StrCat("an id in [0, ", config.vocabulary - 1, "]")).message());
  config.notes.back() += "; left out";
  return false;
}

/// bos_token_id: absent is the default, null is none.
absl::Status readBosToken(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> value = json.find("bos_token_id");
  if (value && !value->isNull()) {
    STRATA_ASSIGN(const int64_t id, value->integer());
    config.bosToken = isRow(*value, id, config) ? id : -1;
  } else if (value || config.bosToken >= config.vocabulary) {
    config.bosToken = -1;
  }
  return absl::OkStatus();
}

/// eos_token_id of config.json or generation_config.json: one id or a list. Absent leaves what is
/// there, null is none.
absl::Status readEosTokens(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> value = json.find("eos_token_id");
  if (!value) {
    std::erase_if(config.eosTokens, [&](int64_t id) { return id >= config.vocabulary; });
    return absl::OkStatus();
  }
  config.eosTokens.clear();
  std::vector<JsonValue> values;
  if (value->isArray()) {
    STRATA_ASSIGN(values, value->array());
  } else if (!value->isNull()) {
    values.push_back(*value);
  }
  for (const JsonValue &one : values) {
    STRATA_ASSIGN(const int64_t id, one.integer());
    if (isRow(one, id, config))
      config.eosTokens.push_back(id);
  }
  return absl::OkStatus();
}

absl::Status readGenerationConfig(const std::string &path, ModelConfig &config) {
  STRATA_ASSIGN(JsonDocument document,
                JsonDocument::parseFile(path, kMaxConfigBytes, &config.notes));
  STRATA_ASSIGN(JsonObject json, document.object());
  return json.findNonNull("eos_token_id") ? readEosTokens(json, config) : absl::OkStatus();
}

absl::Status readTokenizerConfig(const std::string &path, ModelConfig &config) {
  STRATA_ASSIGN(JsonDocument document,
                JsonDocument::parseFile(path, kMaxTokenizerConfigBytes, &config.notes));
  STRATA_ASSIGN(JsonObject json, document.object());
  STRATA_ASSIGN(std::optional<bool> addBos, json.optionalBoolean("add_bos_token"));
  config.addBos = addBos.value_or(config.addBos);
  config.addBosKnown |= addBos.has_value();
  STRATA_ASSIGN(std::optional<bool> addEos, json.optionalBoolean("add_eos_token"));
  if (addEos.value_or(false))
    config.notes.emplace_back(
        json.error("add_eos_token", "not followed, as text is to go on").message());
  config.chatTemplate = readChatTemplate(json);
  return absl::OkStatus();
}

/// As in transformers, the file comes before the key. That it cannot be read is no reason not to
/// compile a model.
void readTemplateFile(const std::filesystem::path &folder, ModelConfig &config) {
  const absl::StatusOr<std::string> found = readChatTemplateFile(folder);
  if (!found.ok())
    config.notes.emplace_back(found.status().message());
  if (!found.ok() || !found->empty())
    config.chatTemplate = found.value_or("unknown");
}
} // namespace

absl::Status readSpecialTokens(const JsonObject &json, ModelConfig &config) {
  STRATA_TRY(readBosToken(json, config));
  // In the configuration that the files of the tensors hold: no tokenizer_config.json says it.
  STRATA_ASSIGN(std::optional<bool> addBos, json.optionalBoolean("add_bos_token"));
  config.addBos = addBos.value_or(false);
  config.addBosKnown = addBos.has_value();
  return readEosTokens(json, config);
}

absl::Status readTokenFiles(const std::filesystem::path &folder, ModelConfig &config) {
  std::error_code ignored;
  auto generation = folder / "generation_config.json", tokenizer = folder / "tokenizer_config.json";
  if (exists(generation, ignored))
    STRATA_TRY(readGenerationConfig(generation, config));
  if (exists(tokenizer, ignored))
    STRATA_TRY(readTokenizerConfig(tokenizer, config));
  readTemplateFile(folder, config);
  return absl::OkStatus();
}

} // namespace strata
