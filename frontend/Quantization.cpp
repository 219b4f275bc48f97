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

absl::Status checkWeights(const JsonObject &weights) {
  STRATA_TRY(requireInteger(weights, "num_bits", 8));
  STRATA_TRY(requireString(weights, "type", "int"));
  STRATA_TRY(requireString(weights, "strategy", "group"));
  STRATA_TRY(requireInteger(weights, "group_size", kQuantizationGroup));
  STRATA_TRY(requireBoolean(weights, "symmetric", true));
  STRATA_TRY(requireBoolean(weights, "dynamic", false));
  constexpr std::string_view kNone[] = {"actorder", "block_structure"};
  STRATA_TRY(requireNone(weights, kNone));
  constexpr std::string_view kKnown[] = {
      "num_bits",    "type",     "strategy",        "group_size", "symmetric",
      "dynamic",     "actorder", "block_structure", "observer",   "observer_kwargs",
      "scale_dtype", "zp_dtype"};
  return refuseOthers(weights, kKnown);
}

absl::Status checkTargets(const JsonObject &group) {
  STRATA_ASSIGN(const std::vector<JsonValue> targets, group.array("targets"));
  for (const JsonValue &target : targets) {
    STRATA_ASSIGN(const std::string_view found, target.string());
    if (found != "Linear")
      return target.mismatch("\"Linear\"");
  }
  return targets.size() == 1 ? absl::OkStatus()
                             : group.error("targets", absl::StrCat("expected [\"Linear\"], found ",
                                                                   targets.size(), " names"));
}

absl::Status checkGroup(const JsonObject &group) {
  STRATA_TRY(checkTargets(group));
  STRATA_ASSIGN(const JsonObject weights, group.object("weights"));
  STRATA_TRY(checkWeights(weights));
  if (group.findNonNull("format"))
    STRATA_TRY(requireString(group, "format", "int-quantized"));
  constexpr std::string_view kNone[] = {"input_activations", "output_activations"};
  STRATA_TRY(requireNone(group, kNone));
  constexpr std::string_view kKnown[] = {"targets", "weights", "format", "input_activations",
                                         "output_activations"};
  return refuseOthers(group, kKnown);
}

absl::Status checkGroups(const JsonObject &quantization) {
  STRATA_ASSIGN(const JsonObject groups, quantization.object("config_groups"));
  const std::vector<JsonMember> members = groups.members();
  if (members.size() != 1)
    return quantization.error("config_groups",
                              absl::StrCat("expected 1 group, found ", members.size()));
  STRATA_ASSIGN(const JsonObject group, members.front().value.object());
  return checkGroup(group);
}

absl::StatusOr<std::vector<std::string>> readIgnored(const JsonObject &quantization) {
  std::vector<std::string> ignored;
  if (!quantization.findNonNull("ignore"))
    return ignored;
  STRATA_ASSIGN(const std::vector<JsonValue> names, quantization.array("ignore"));
  for (const JsonValue &name : names) {
    STRATA_ASSIGN(const std::string_view found, name.string());
    if (found.starts_with("re:"))
      return name.mismatch("the name of a module, not a pattern");
    ignored.emplace_back(found);
  }
  return ignored;
}

} // namespace

bool Quantization::includes(std::string_view module) const {
  return std::ranges::find(ignored, module) == ignored.end();
}

absl::StatusOr<std::optional<Quantization>> readQuantization(const JsonObject &config) {
  STRATA_ASSIGN(const std::optional<JsonObject> found,
                config.optionalObject("quantization_config"));
  if (!found)
    return std::optional<Quantization>();
  STRATA_TRY(requireString(*found, "quant_method", "compressed-tensors"));
  STRATA_TRY(requireString(*found, "format", "int-quantized"));
  STRATA_TRY(requireString(*found, "quantization_status", "compressed"));
  STRATA_TRY(checkGroups(*found));
  constexpr std::string_view kNone[] = {"kv_cache_scheme", "sparsity_config", "transform_config",
                                        "moe_sparsity_config"};
  STRATA_TRY(requireNone(*found, kNone));
  constexpr std::string_view kKnown[] = {
      "quant_method",    "format",          "quantization_status",     "config_groups",
      "kv_cache_scheme", "sparsity_config", "transform_config",        "moe_sparsity_config",
      "ignore",          "version",         "global_compression_ratio"};
  STRATA_TRY(refuseOthers(*found, kKnown));
  STRATA_ASSIGN(std::vector<std::string> ignored, readIgnored(*found));
  return Quantization{std::move(ignored)};
}

} // namespace strata
