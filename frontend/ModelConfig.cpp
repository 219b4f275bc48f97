//===- ModelConfig.cpp - reading config.json and its neighbours -----------===//

#include "frontend/ModelConfig.h"

#include "frontend/ChatTemplate.h"
#include "frontend/Modules.h"
#include "frontend/Parameters.h"
#include "frontend/SpecialTokens.h"
#include "frontend/Spellings.h"
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/HubCache.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

namespace strata {
namespace {

constexpr std::string_view kHeadDim[] = {"head_dim", "kv_channels"};
constexpr std::string_view kNormEps[] = {"norm_eps", "layer_norm_eps"};
constexpr std::string_view kRopeTheta[] = {"rope_theta", "rope_parameters.rope_theta",
                                           "rope_scaling.rope_theta"};
constexpr std::string_view kRotaryFraction[] = {
    "partial_rotary_factor", "rope_percent", "rope_percentage",
    "rope_parameters.partial_rotary_factor", "rope_scaling.partial_rotary_factor"};
constexpr std::string_view kRopeType[] = {"rope_parameters.rope_type", "rope_parameters.type",
                                          "rope_scaling.rope_type", "rope_scaling.type"};
constexpr std::string_view kRopeFactor[] = {"rope_parameters.factor", "rope_scaling.factor"};

/// Sizes that every config.json must state, and the most that each may be.
struct Size {
  std::string_view key;
  int64_t max;
  int64_t ModelConfig::*member;
};
constexpr Size kSizes[] = {
    {"vocab_size", int64_t(1) << 20, &ModelConfig::vocabulary},
    {"hidden_size", 65536, &ModelConfig::hidden},
    {"intermediate_size", int64_t(1) << 20, &ModelConfig::intermediate},
    {"num_hidden_layers", 1024, &ModelConfig::layers},
    {"num_attention_heads", 1024, &ModelConfig::heads},
};
constexpr int64_t kMaxHeads = 1024;
constexpr int64_t kMaxHeadDim = 1024;
constexpr int64_t kMaxContext = int64_t(1) << 24;

//===----------------------------------------------------------------------===//
// Which architecture
//===----------------------------------------------------------------------===//

absl::StatusOr<bool> isString(const JsonValue &value, std::string_view expected) {
  STRATA_ASSIGN(std::string_view found, value.string());
  return found == expected;
}

/// `type` is the model_type, if there is one. `NemotronModel` is the same network without a head;
/// converters wrote that name for whole models.
absl::Status checkArchitectures(const JsonValue &architectures, std::optional<JsonValue> type,
                                ModelConfig &config) {
  STRATA_ASSIGN(std::vector<JsonValue> names, architectures.array());
  if (names.empty())
    return architectures.error("expected [\"NemotronForCausalLM\"], found []");
  for (const JsonValue &name : names) {
    STRATA_ASSIGN(std::string_view found, name.string());
    if (found != "NemotronForCausalLM" && !(found == "NemotronModel" && type))
      return name.mismatch("\"NemotronForCausalLM\", the one architecture supported");
  }
  STRATA_ASSIGN(config.architecture, names.front().string());
  return absl::OkStatus();
}

/// The file's own word decides, never a folder's name: "Nemotron" is also the brand of Llama,
/// Mistral and Mamba models.
absl::Status checkArchitecture(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> architectures = json.findNonNull("architectures");
  std::optional<JsonValue> type = json.findNonNull("model_type");
  if (!architectures && !type)
    return json.error("architectures", "missing, expected [\"NemotronForCausalLM\"]");
  if (architectures)
    STRATA_TRY(checkArchitectures(*architectures, type, config));
  if (!type)
    return absl::OkStatus();
  STRATA_ASSIGN(bool isNemotron, isString(*type, "nemotron"));
  return isNemotron ? absl::OkStatus()
                    : type->mismatch("\"nemotron\", the one architecture supported");
}

/// What transformers calls an activation, and what decoder.activation does.
struct ActivationName {
  std::string_view theirs, ours;
};
constexpr ActivationName kActivations[] = {{"relu2", "squared_relu"}};

absl::Status readActivation(const JsonObject &json, ModelConfig &config) {
  std::optional<JsonValue> value = json.findNonNull("hidden_act");
  if (!value)
    return absl::OkStatus();
  STRATA_ASSIGN(std::string_view found, value->string());
  std::string expected;
  for (auto [theirs, ours] : kActivations) {
    if (theirs == found) {
      config.activation = ours;
      return absl::OkStatus();
    }
    absl::StrAppend(&expected, expected.empty() ? "" : ", ", quote(theirs));
  }
  return value->mismatch(expected);
}

/// Choices that a file may spell out.
absl::Status readChoices(const JsonObject &json, ModelConfig &config) {
  STRATA_TRY(readActivation(json, config));
  if (std::optional<JsonValue> norm = json.findNonNull("normalization")) {
    STRATA_ASSIGN(bool same, isString(*norm, "layernorm1p"));
    if (!same)
      return norm->mismatch("\"layernorm1p\"");
  }
  for (auto [key, member] : {std::pair{"attention_bias", &ModelConfig::attentionBias},
                             {"mlp_bias", &ModelConfig::mlpBias}}) {
    STRATA_ASSIGN(std::optional<bool> bias, json.optionalBoolean(key));
    config.*member = bias.value_or(false);
  }
  return absl::OkStatus();
}

/// Where there is a checkpoint, it tells itself which type each tensor has, and whatever stands
/// here is right. `dtype` is the younger key, and counts.
void readDType(const JsonObject &json, ModelConfig &config) {
  constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"bfloat16", DType::bf16}, {"float16", DType::f16}, {"float32", DType::f32}};
  std::optional<JsonValue> value = json.findNonNull("dtype");
  if (!value)
    value = json.findNonNull("torch_dtype");
  if (!value)
    return;
  const std::string_view found = value->isString() ? *value->string() : "";
  for (auto [name, dtype] : kTypes)
    if (name == found) {
      config.dtype = dtype;
      return;
    }
  config.dtypeProblem = std::string(
      value->mismatch("\"bfloat16\", \"float16\" or \"float32\", as there are no weights")
          .message());
}

//===----------------------------------------------------------------------===//
// Sizes and constants
//===----------------------------------------------------------------------===//

absl::Status readSizes(const JsonObject &json, ModelConfig &config) {
  for (const Size &size : kSizes) {
    STRATA_ASSIGN(config.*size.member, json.integer(size.key, {1, size.max}));
  }
  STRATA_ASSIGN(std::optional<int64_t> context,
                json.optionalInteger("max_position_embeddings", {1, kMaxContext}));
  config.context = context.value_or(config.context);
  STRATA_ASSIGN(std::optional<bool> tied, json.optionalBoolean("tie_word_embeddings"));
  config.tiedEmbeddings = tied.value_or(false);
  return absl::OkStatus();
}

absl::Status readKvHeads(const JsonObject &json, ModelConfig &config) {
  STRATA_ASSIGN(std::optional<int64_t> found,
                json.optionalInteger("num_key_value_heads", {1, kMaxHeads}));
  config.kvHeads = found.value_or(config.heads);
  if (config.heads % config.kvHeads == 0)
    return absl::OkStatus();
  return json.error("num_key_value_heads",
                    absl::StrCat("expected a divisor of num_attention_heads ", config.heads,
                                 ", found ", config.kvHeads));
}

absl::Status readHeadDim(const JsonObject &json, ModelConfig &config) {
  STRATA_ASSIGN(std::optional<int64_t> found,
                readSpelled<int64_t>(json, kHeadDim, [](const JsonValue &value) {
                  return value.integer({1, kMaxHeadDim});
                }));
  config.headDim = found.value_or(config.hidden / config.heads);
  std::string quotient =
      absl::StrCat("hidden_size ", config.hidden, " / num_attention_heads ", config.heads);
  if (!found && config.hidden % config.heads)
    return json.error("head_dim",
                      absl::StrCat("missing, expected a value, as ", quotient, " is not whole"));
  if (config.headDim > kMaxHeadDim)
    return json.error("head_dim", absl::StrCat("expected at most ", kMaxHeadDim, ", found ",
                                               config.headDim, " = ", quotient));
  return absl::OkStatus();
}

absl::Status readRotaryDims(const JsonObject &json, ModelConfig &config) {
  NumberRange range = {.min = 0, .max = 1};
  STRATA_ASSIGN(std::optional<double> found, readSpelledNumber(json, kRotaryFraction, range));
  double fraction = found.value_or(0.5);
  config.rotaryDims = static_cast<int64_t>(static_cast<double>(config.headDim) * fraction);
  const int64_t rotated = config.rotaryDims + config.rotaryDims % 2; // in pairs, as transformers
  if (rotated <= config.headDim)
    return absl::OkStatus();
  return json.error("partial_rotary_factor",
                    absl::StrCat("expected at most ", config.headDim / 2 * 2,
                                 " rotary dims, found ", config.rotaryDims, ", ", fraction,
                                 " of head_dim ", config.headDim));
}

/// Linear interpolation divides positions by a constant; every other kind of scaling is refused.
absl::Status readRopeScale(const JsonObject &json, ModelConfig &config) {
  STRATA_ASSIGN(std::optional<std::string_view> type, readSpelledString(json, kRopeType));
  NumberRange range = {.min = 1, .max = double(kMaxContext)};
  STRATA_ASSIGN(std::optional<double> factor, readSpelledNumber(json, kRopeFactor, range));
  if (type ? *type == "default" : !factor)
    return absl::OkStatus();
  std::string object = json.findNonNull("rope_parameters") ? "rope_parameters" : "rope_scaling";
  std::string expected = "\"default\" or \"linear\"";
  if (!type)
    return json.error(object + ".rope_type", absl::StrCat("missing, expected ", expected));
  if (*type != "linear")
    return json.error(object + ".rope_type",
                      absl::StrCat("expected ", expected, ", found ", quote(*type)));
  if (!factor)
    return json.error(object + ".factor", "missing, expected a number of at least 1");
  config.ropeScale = static_cast<float>(*factor);
  return absl::OkStatus();
}

/// `value` > 0 as f32: normal, finite and at most `max`.
float roundPositive(double value, float max = std::numeric_limits<float>::max()) {
  constexpr double kMin = std::numeric_limits<float>::min();
  return static_cast<float>(std::clamp(value, kMin, static_cast<double>(max)));
}

absl::Status readConstants(const JsonObject &json, ModelConfig &config) {
  NumberRange epsRange = {.min = 0, .max = 1, .minExcluded = true, .maxExcluded = true};
  STRATA_ASSIGN(std::optional<double> eps, readSpelledNumber(json, kNormEps, epsRange));
  if (eps)
    config.normEps = roundPositive(*eps, /*max=*/0x1.fffffep-1f);
  NumberRange thetaRange = {.min = 0, .minExcluded = true};
  STRATA_ASSIGN(std::optional<double> theta, readSpelledNumber(json, kRopeTheta, thetaRange));
  if (theta)
    config.ropeTheta = roundPositive(*theta);
  return absl::OkStatus();
}

/// What quantization_config says, against the linear modules of the model.
absl::Status checkQuantization(const JsonObject &json, const ModelConfig &config) {
  for (const Module &module : listModules(config)) {
    if (module.kind != ModuleKind::linear || !module.stored)
      continue;
    const WeightScheme *scheme = config.schemeOf(module.path);
    const int64_t multiple = scheme ? std::max(scheme->group, kQuantizationGroup) : 1;
    if (module.shape[1] % multiple != 0)
      return json.error("quantization_config",
                        absl::StrCat("expected linear modules whose features are a multiple of ",
                                     multiple, ", found ", module.path, " with ", module.shape[1]));
  }
  return absl::OkStatus();
}

absl::Status checkTotal(const JsonValue &root, const ModelConfig &config) {
  if ((getParameterCount(config) * blockSize(config.dtype).bytes).atMost(kMaxModelBytes))
    return absl::OkStatus();
  return root.error(absl::StrCat("expected a model of at most ", kMaxModelBytes,
                                 " bytes, found a larger one: ", config.layers, " layers of ",
                                 config.hidden, " x ", config.intermediate));
}

/// Targets whose kernels take heads of a multiple of so many features only: those of the KV cache
/// are loaded together.
constexpr struct {
  const char *target;
  int64_t multiple;
} kHeadMultiples[] = {{"cpu", 2}, {"cuda", 8}};

void findUnsupportedTargets(const JsonObject &json, ModelConfig &config) {
  for (const auto &[target, multiple] : kHeadMultiples)
    if (config.headDim % multiple) {
      std::string reason = absl::StrCat("expected a multiple of ", multiple, " for the target ",
                                        target, ", found ", config.headDim);
      config.unsupported.push_back({target, std::string(json.error("head_dim", reason).message())});
    }
}

absl::StatusOr<ModelConfig> parse(const JsonDocument &document, JsonDocument::Notes notes) {
  STRATA_ASSIGN(JsonObject json, document.object());
  ModelConfig config;
  config.notes = std::move(notes);
  STRATA_TRY(checkArchitecture(json, config));
  STRATA_TRY(readChoices(json, config));
  STRATA_ASSIGN(config.quantization, readQuantization(json));
  readDType(json, config);
  STRATA_TRY(readSizes(json, config));
  STRATA_TRY(readKvHeads(json, config));
  STRATA_TRY(readHeadDim(json, config));
  findUnsupportedTargets(json, config);
  STRATA_TRY(readRotaryDims(json, config));
  STRATA_TRY(readRopeScale(json, config));
  STRATA_TRY(readConstants(json, config));
  STRATA_TRY(checkTotal(document.root(), config));
  STRATA_TRY(checkQuantization(json, config));
  STRATA_TRY(readSpecialTokens(json, config));
  return config;
}
} // namespace

absl::StatusOr<ModelConfig> parseModelConfig(std::string_view text, std::string file) {
  JsonDocument::Notes notes;
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parse(text, std::move(file), &notes));
  return parse(document, std::move(notes));
}

absl::StatusOr<ModelConfig> readModelConfig(const std::string &path) {
  namespace fs = std::filesystem;
  JsonDocument::Notes notes;
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parseFile(path, kMaxConfigBytes, &notes));
  STRATA_ASSIGN(ModelConfig config, parse(document, std::move(notes)));
  std::error_code ignored;
  const fs::path folder = fs::absolute(path, ignored).parent_path();
  config.name = modelName(folder);
  STRATA_TRY(readTokenFiles(folder, config));
  return config;
}

namespace {

bool isSame(const CheckpointTensor &a, const CheckpointTensor &b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.box == b.box &&
         std::ranges::equal(a.bytes, b.bytes);
}

/// As in transformers, a head that the checkpoint has for itself counts, whatever the flag says.
void followHead(const Checkpoint &checkpoint, FoundConfig &found) {
  ModelConfig &config = found.config;
  if (!config.tiedEmbeddings)
    return;
  config.tiedEmbeddings = false; // so that the head has a key
  const std::string headKey = describeModule(config, ModuleRole::head).weightKey();
  const std::string tableKey = describeModule(config, ModuleRole::embedding).weightKey();
  const CheckpointTensor *head = checkpoint.find(headKey), *table = checkpoint.find(tableKey);
  config.tiedEmbeddings = !head || !table || isSame(*head, *table);
  if (!config.tiedEmbeddings)
    config.notes.push_back(absl::StrCat(found.path, ": tie_word_embeddings: not followed, as ",
                                        headKey, " is another tensor than ", tableKey));
}

/// The configuration that the files of the tensors hold themselves.
absl::StatusOr<FoundConfig> readOwnConfig(const std::string &argument,
                                          const Checkpoint &checkpoint) {
  const std::string &file = checkpoint.configPath();
  STRATA_ASSIGN(ModelConfig config, parseModelConfig(checkpoint.config(), file));
  config.name = modelName(argument);
  if (!checkpoint.chatTemplate().empty())
    config.chatTemplate = recognizeChatTemplate(checkpoint.chatTemplate());
  STRATA_TRY(readTokenFiles(textFolder(argument, &checkpoint), config));
  return FoundConfig{std::move(config), file};
}

} // namespace

absl::StatusOr<FoundConfig> findModelConfig(const std::string &argument,
                                            const absl::StatusOr<Checkpoint> &checkpoint) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (checkpoint.ok() && !checkpoint->config().empty()) {
    STRATA_ASSIGN(FoundConfig found, readOwnConfig(argument, *checkpoint));
    followHead(*checkpoint, found);
    return found;
  }
  const fs::path path = fs::path(checkpointFolder(argument)) / "config.json";
  // A folder without config.json is no model: that is to be said first, unless it holds weights
  // that need none.
  if (!checkpoint.ok() && !absl::IsNotFound(checkpoint.status()) && !fs::exists(path, ignored))
    return checkpoint.status();
  STRATA_ASSIGN(ModelConfig config, readModelConfig(path));
  FoundConfig found{std::move(config), path};
  if (checkpoint.ok())
    followHead(*checkpoint, found);
  return found;
}

} // namespace strata
