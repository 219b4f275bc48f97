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

/// bos_token_id: absent is the default, null is none.
absl::Status readBosToken(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> value = json.find("bos_token_id");
  if (value && !value->isNull()) {
    STRATA_ASSIGN(config.bosToken, value->integer({0, config.vocabulary - 1}));
  } else if (value || config.bosToken >= config.vocabulary) {
    config.bosToken = -1;
  }
  return absl::OkStatus();
}

/// eos_token_id of config.json or generation_config.json: one id or a list. Absent leaves what is
/// there, null is none.
absl::Status readEosTokens(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> value = json.find("eos_token_id");
  IntegerRange range = {0, config.vocabulary - 1};
  if (!value) {
    std::erase_if(config.eosTokens, [&](int64_t id) { return id > range.max; });
  } else if (value->isArray()) {
    STRATA_ASSIGN(config.eosTokens, value->integers(range));
  } else if (value->isNull()) {
    config.eosTokens.clear();
  } else {
    STRATA_ASSIGN(int64_t id, value->integer(range));
    config.eosTokens = {id};
  }
  return absl::OkStatus();
}

absl::Status readGenerationConfig(const std::string &path, ModelConfig &config) {
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parseFile(path, kMaxConfigBytes));
  STRATA_ASSIGN(JsonObject json, document.object());
  return json.findNonNull("eos_token_id") ? readEosTokens(json, config) : absl::OkStatus();
}

absl::Status readTokenizerConfig(const std::string &path, ModelConfig &config) {
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parseFile(path, kMaxTokenizerConfigBytes));
  STRATA_ASSIGN(JsonObject json, document.object());
  STRATA_ASSIGN(std::optional<bool> addBos, json.optionalBoolean("add_bos_token"));
  config.addBos = addBos.value_or(config.addBos);
  config.addBosKnown = addBos.has_value();
  if (config.addBos && config.bosToken < 0)
    return json.error("add_bos_token",
                      "expected false, as config.json has no bos_token_id, found true");
  STRATA_ASSIGN(std::optional<bool> addEos, json.optionalBoolean("add_eos_token"));
  if (addEos.value_or(false))
    return json.error("add_eos_token", "expected false, as text is to follow, found true");
  STRATA_ASSIGN(config.chatTemplate,
                readChatTemplate(json, std::filesystem::path(path).parent_path()));
  return absl::OkStatus();
}
} // namespace

absl::Status readSpecialTokens(const JsonObject &json, ModelConfig &config) {
  STRATA_TRY(readBosToken(json, config));
  // In the configuration that the files of the tensors hold: no tokenizer_config.json says it.
  STRATA_ASSIGN(std::optional<bool> addBos, json.optionalBoolean("add_bos_token"));
  config.addBos = addBos.value_or(false) && config.bosToken >= 0;
  return readEosTokens(json, config);
}

absl::Status readTokenFiles(const std::filesystem::path &folder, ModelConfig &config) {
  std::error_code ignored;
  auto generation = folder / "generation_config.json", tokenizer = folder / "tokenizer_config.json";
  if (exists(generation, ignored))
    STRATA_TRY(readGenerationConfig(generation, config));
  return exists(tokenizer, ignored) ? readTokenizerConfig(tokenizer, config) : absl::OkStatus();
}

} // namespace strata
