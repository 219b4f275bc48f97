//===- Quantization.cpp - quantization_config of a config.json ------------===//
//
// The keys are those of compressed-tensors' QuantizationConfig. What would change the meaning of a
// weight must be as expected, what only tells how it was made is not looked at, and anything else
// is refused.
//
//===----------------------------------------------------------------------===//

#include "frontend/Quantization.h"

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <array>
#include <span>

namespace strata {
namespace {

using Keys = std::span<const std::string_view>;

absl::Status requireString(const JsonObject &object, std::string_view key,
                           std::string_view expected) {
  STRATA_ASSIGN(const std::string_view found, object.string(key));
  if (found == expected)
    return absl::OkStatus();
  return object.error(key, absl::StrCat("expected ", quote(expected), ", found ", quote(found)));
}

absl::Status requireInteger(const JsonObject &object, std::string_view key, int64_t expected) {
  STRATA_ASSIGN(const int64_t found, object.integer(key));
  if (found == expected)
    return absl::OkStatus();
  return object.error(key, absl::StrCat("expected ", expected, ", found ", found));
}

/// Absent is the expected value, too.
absl::Status requireBoolean(const JsonObject &object, std::string_view key, bool expected) {
  STRATA_ASSIGN(const std::optional<bool> found, object.optionalBoolean(key));
  if (found.value_or(expected) == expected)
    return absl::OkStatus();
  return object.error(key, expected ? "expected true, found false" : "expected false, found true");
}

/// Each is absent, null or an empty object.
absl::Status requireNone(const JsonObject &object, Keys keys) {
  for (std::string_view key : keys) {
    const std::optional<JsonValue> value = object.findNonNull(key);
    if (!value)
      continue;
    const bool empty = value->isObject() && value->object()->members().empty();
    if (!empty)
      return value->mismatch("null");
  }
  return absl::OkStatus();
}

absl::Status refuseOthers(const JsonObject &object, Keys keys) {
  for (const JsonMember &member : object.members())
    if (std::ranges::find(keys, member.key) == keys.end())
      return member.value.mismatch("no such key");
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// One group
//===----------------------------------------------------------------------===//

constexpr std::string_view kInt = "int-quantized", kPack = "pack-quantized";
constexpr std::array<int64_t, 4> kGroups = {32, 64, 128, 256};
constexpr std::string_view kArguments[] = {
    "num_bits",    "type",     "strategy",        "group_size", "symmetric",
    "dynamic",     "actorder", "block_structure", "observer",   "observer_kwargs",
    "scale_dtype", "zp_dtype"};

/// Other formats, and why they are not read.
constexpr std::pair<std::string_view, std::string_view> kOtherFormats[] = {
    {"nvfp4-pack-quantized", "numbers are floating point of 4 bits"},
    {"mxfp4-pack-quantized", "numbers are floating point of 4 bits"},
    {"float-quantized", "numbers are floating point of 8 bits"},
    {"naive-quantized", "what is stored depends on the weights' arguments"},
    {"marlin-24", "half of the weights are left out"},
};

/// A format of weights, at `key`; `found` is its value.
absl::Status requireFormat(const JsonObject &object, std::string_view found) {
  if (found == kInt || found == kPack)
    return absl::OkStatus();
  std::string message =
      absl::StrCat("expected ", quote(kInt), " or ", quote(kPack), ", found ", quote(found));
  for (const auto &[format, reason] : kOtherFormats)
    if (found == format)
      absl::StrAppend(&message, ", where ", std::string(reason));
  return object.error("format", message);
}

/// group_size and strategy; either may say it alone, as in compressed-tensors.
absl::StatusOr<int64_t> readGroupSize(const JsonObject &weights) {
  STRATA_ASSIGN(const std::optional<int64_t> size, weights.optionalInteger("group_size"));
  STRATA_ASSIGN(const std::optional<std::string_view> strategy, weights.optionalString("strategy"));
  const std::string_view found = strategy.value_or(size.value_or(0) > 0   ? "group"
                                                   : size.value_or(0) < 0 ? "channel"
                                                                          : "tensor");
  if (found == "channel")
    return 0;
  if (found != "group")
    return weights.error("strategy", absl::StrCat("expected \"group\" or \"channel\", found ",
                                                  strategy ? quote(found) : "none"));
  if (!size || std::ranges::find(kGroups, *size) == kGroups.end())
    return weights.error("group_size", absl::StrCat("expected 32, 64, 128 or 256, found ",
                                                    size ? absl::StrCat(*size) : "none"));
  return *size;
}

/// Groups of features that follow each other are what there is: "weight", which "static" is another
/// name of, makes such. "group" and "dynamic" let any features share a scale.
absl::Status checkOrder(const JsonObject &weights) {
  STRATA_ASSIGN(const std::optional<std::string_view> order, weights.optionalString("actorder"));
  if (!order || *order == "weight" || *order == "static")
    return absl::OkStatus();
  return weights.error("actorder", absl::StrCat("expected null, \"weight\" or \"static\", found ",
                                                quote(*order),
                                                ", where a group's features do not follow each "
                                                "other"));
}

absl::StatusOr<WeightScheme> readWeights(const JsonObject &weights, bool packed) {
  WeightScheme scheme{.packed = packed};
  STRATA_ASSIGN(scheme.bits, weights.integer("num_bits"));
  if (scheme.bits != 8 && !(packed && scheme.bits == 4))
    return weights.error(
        "num_bits", absl::StrCat("expected ", packed ? "4 or 8" : "8", ", found ", scheme.bits));
  STRATA_TRY(requireString(weights, "type", "int"));
  STRATA_ASSIGN(scheme.group, readGroupSize(weights));
  STRATA_TRY(requireBoolean(weights, "symmetric", true));
  STRATA_TRY(requireBoolean(weights, "dynamic", false));
  STRATA_TRY(checkOrder(weights));
  constexpr std::string_view kNone[] = {"block_structure"};
  STRATA_TRY(requireNone(weights, kNone));
  STRATA_TRY(refuseOthers(weights, kArguments));
  return scheme;
}

/// Inputs that others round to 8 bits when they run, a scale for each token, we round more finely.
absl::Status checkInputs(const JsonObject &group) {
  STRATA_ASSIGN(const std::optional<JsonObject> inputs, group.optionalObject("input_activations"));
  if (!inputs)
    return absl::OkStatus();
  STRATA_TRY(requireInteger(*inputs, "num_bits", 8));
  STRATA_TRY(requireString(*inputs, "type", "int"));
  STRATA_ASSIGN(const bool dynamic, inputs->boolean("dynamic"));
  if (!dynamic)
    return inputs->error("dynamic", "expected true, found false: scales of inputs that are stored "
                                    "are not read");
  STRATA_TRY(requireString(*inputs, "strategy", "token"));
  return refuseOthers(*inputs, kArguments);
}

//===----------------------------------------------------------------------===//
// Which modules
//===----------------------------------------------------------------------===//

absl::StatusOr<std::vector<ModulePattern>> readPatterns(const std::vector<JsonValue> &texts) {
  std::vector<ModulePattern> patterns;
  for (const JsonValue &text : texts) {
    STRATA_ASSIGN(const std::string_view found, text.string());
    absl::StatusOr<ModulePattern> pattern = ModulePattern::parse(found);
    if (!pattern.ok())
      return text.error(absl::StrCat(quote(found), ": ", std::string(pattern.status().message())));
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

absl::Status readGroup(const JsonObject &group, std::string_view format, Quantization &result) {
  STRATA_ASSIGN(const std::vector<JsonValue> texts, group.array("targets"));
  for (const JsonValue &text : texts)
    if (text.isString() && *text.string() == "Embedding")
      return text.mismatch("linear modules");
  STRATA_ASSIGN(std::vector<ModulePattern> patterns, readPatterns(texts));
  STRATA_ASSIGN(const std::optional<std::string_view> own, group.optionalString("format"));
  const std::string_view chosen = own.value_or(format);
  STRATA_TRY(requireFormat(group, chosen));
  STRATA_ASSIGN(const JsonObject weights, group.object("weights"));
  STRATA_ASSIGN(const WeightScheme scheme, readWeights(weights, chosen == kPack));
  STRATA_TRY(checkInputs(group));
  constexpr std::string_view kNone[] = {"output_activations"};
  STRATA_TRY(requireNone(group, kNone));
  constexpr std::string_view kKnown[] = {"targets", "weights", "format", "input_activations",
                                         "output_activations"};
  STRATA_TRY(refuseOthers(group, kKnown));
  for (ModulePattern &pattern : patterns)
    result.targets.push_back({std::move(pattern), scheme});
  return absl::OkStatus();
}

absl::Status readGroups(const JsonObject &quantization, Quantization &result) {
  STRATA_ASSIGN(const std::string_view format, quantization.string("format"));
  if (format != "mixed-precision") // then each group says it
    STRATA_TRY(requireFormat(quantization, format));
  STRATA_ASSIGN(const JsonObject groups, quantization.object("config_groups"));
  for (const JsonMember &member : groups.members()) {
    STRATA_ASSIGN(const JsonObject group, member.value.object());
    STRATA_TRY(readGroup(group, format, result));
  }
  if (result.targets.empty())
    return quantization.error("config_groups", "expected targets, found none");
  // As in compressed-tensors, of those that fit alike the first in the order of the alphabet is
  // taken, and the last group that has it.
  std::ranges::reverse(result.targets);
  std::ranges::stable_sort(result.targets, {}, [](const Quantization::Target &target) {
    return std::string_view(target.modules.text());
  });
  return absl::OkStatus();
}

/// Other methods, and what to do instead.
constexpr std::pair<std::string_view, std::string_view> kOtherMethods[] = {
    {"awq", "rows of its weights are packed across outputs"},
    {"gptq", "rows of its weights are packed across inputs"},
    {"fp8", "its weights are floating point of 8 bits"},
    {"modelopt", "its weights are floating point of 4 or 8 bits"},
};

absl::Status requireMethod(const JsonObject &quantization) {
  STRATA_ASSIGN(const std::string_view found, quantization.string("quant_method"));
  for (const auto &[method, reason] : kOtherMethods)
    if (found == method)
      return quantization.error(
          "quant_method",
          absl::StrCat("expected \"compressed-tensors\", found ", quote(found), ": ",
                       std::string(reason),
                       "; quantize the model that it was made of by strata-quantize"));
  return requireString(quantization, "quant_method", "compressed-tensors");
}

} // namespace

const WeightScheme *Quantization::schemeOf(std::string_view linear) const {
  using Match = ModulePattern::Match;
  for (const ModulePattern &pattern : ignored)
    if (pattern.match(linear) != Match::none)
      return nullptr;
  const WeightScheme *best = nullptr;
  Match bestMatch = Match::none;
  for (const Target &target : targets)
    if (const Match match = target.modules.match(linear); match > bestMatch) {
      best = &target.scheme;
      bestMatch = match;
    }
  return best;
}

absl::StatusOr<std::optional<Quantization>> readQuantization(const JsonObject &config) {
  STRATA_ASSIGN(const std::optional<JsonObject> found,
                config.optionalObject("quantization_config"));
  if (!found)
    return std::optional<Quantization>();
  STRATA_TRY(requireMethod(*found));
  Quantization result;
  STRATA_TRY(readGroups(*found, result));
  STRATA_TRY(requireString(*found, "quantization_status", "compressed"));
  constexpr std::string_view kNone[] = {"kv_cache_scheme", "sparsity_config", "transform_config",
                                        "moe_sparsity_config"};
  STRATA_TRY(requireNone(*found, kNone));
  constexpr std::string_view kKnown[] = {
      "quant_method",    "format",          "quantization_status",     "config_groups",
      "kv_cache_scheme", "sparsity_config", "transform_config",        "moe_sparsity_config",
      "ignore",          "version",         "global_compression_ratio"};
  STRATA_TRY(refuseOthers(*found, kKnown));
  if (found->findNonNull("ignore")) {
    STRATA_ASSIGN(const std::vector<JsonValue> ignored, found->array("ignore"));
    STRATA_ASSIGN(result.ignored, readPatterns(ignored));
  }
  return result;
}

} // namespace strata
