//===- NemoConfig.cpp - what the configurations of NeMo say ---------------===//
//
// Keys and defaults are those of NeMo 1's megatron_gpt_config.yaml, and of NeMo 2's GPTConfig, all
// of whose values its model.yaml holds.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/NemoConfig.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ConfigText.h"

#include <span>

namespace strata {
namespace {

constexpr int64_t kMaxHeads = 1024, kMaxHeadDim = 1024;

using Pair = std::pair<const char *, const char *>;

/// What must be true or false, why, and what it is where it is absent.
struct Flag {
  const char *key;
  bool expected, absent;
  const char *why;
};

/// How a version calls things.
struct Keys {
  const char *hidden, *heads, *groups, *headDim;
  std::span<const Pair> integers; // with their keys in config.json
  std::span<const Pair> choices;  // what must be said; with a '.' in front: how it must end
  std::span<const Flag> flags;
  std::span<const char *const> absent; // what must not be said
  const char *eps, *theta, *rotary, *interpolation, *tied;
};

constexpr Pair kIntegers1[] = {
    {"hidden_size", "hidden_size"},
    {"ffn_hidden_size", "intermediate_size"},
    {"num_layers", "num_hidden_layers"},
    {"num_attention_heads", "num_attention_heads"},
    {"num_query_groups", "num_key_value_heads"},
    {"kv_channels", "head_dim"},
    {"max_position_embeddings", "max_position_embeddings"},
};
/// NeMo's defaults are something else.
constexpr Pair kChoices1[] = {
    {"normalization", "layernorm1p"},
    {"activation", "squared-relu"},
    {"position_embedding_type", "rope"},
};
constexpr Flag kFlags1[] = {{"bias", false, true, "linear biases are not supported"}};

constexpr Pair kIntegers2[] = {
    {"config.hidden_size", "hidden_size"},
    {"config.ffn_hidden_size", "intermediate_size"},
    {"config.num_layers", "num_hidden_layers"},
    {"config.num_attention_heads", "num_attention_heads"},
    {"config.num_query_groups", "num_key_value_heads"},
    {"config.kv_channels", "head_dim"},
    {"config.seq_length", "max_position_embeddings"},
};
constexpr Pair kChoices2[] = {
    {"config.normalization", "LayerNorm"},
    {"config.activation_func._target_", ".squared_relu"},
    {"config.position_embedding_type", "rope"},
};
constexpr Flag kFlags2[] = {
    {"config.layernorm_zero_centered_gamma", true, false, "other norms are not supported"},
    {"config.add_bias_linear", false, true, "linear biases are not supported"},
    {"config.add_qkv_bias", false, false, "linear biases are not supported"},
    {"config.gated_linear_unit", false, false, "gated units are not supported"},
    {"config.qk_layernorm", false, false, "norms of queries and keys are not supported"},
    {"config.rotary_interleaved", false, false, "interleaved rotation is not supported"},
};
constexpr const char *kAbsent2[] = {"config.window_size", "config.softmax_scale",
                                    "config.num_moe_experts"};

constexpr Keys kKeys1 = {"hidden_size",
                         "num_attention_heads",
                         "num_query_groups",
                         "kv_channels",
                         kIntegers1,
                         kChoices1,
                         kFlags1,
                         {},
                         "layernorm_epsilon",
                         "rotary_base",
                         "rotary_percentage",
                         "seq_len_interpolation_factor",
                         "share_embeddings_and_output_weights"};
constexpr Keys kKeys2 = {"config.hidden_size",
                         "config.num_attention_heads",
                         "config.num_query_groups",
                         "config.kv_channels",
                         kIntegers2,
                         kChoices2,
                         kFlags2,
                         kAbsent2,
                         "config.layernorm_epsilon",
                         "config.rotary_base",
                         "config.rotary_percent",
                         "config.seq_len_interpolation_factor",
                         "config.share_embeddings_and_output_weights"};

const Keys &keysOf(NemoVersion version) { return version == NemoVersion::one ? kKeys1 : kKeys2; }

absl::StatusOr<int64_t> readCount(const YamlMapping &yaml, std::string_view key, int64_t most,
                                  std::optional<int64_t> absent = {}) {
  STRATA_ASSIGN(const std::optional<int64_t> found, yaml.integer(key));
  if (!found && absent)
    return *absent;
  if (!found)
    return yaml.error(key, absl::StrCat("missing, expected an integer in [1, ", most, "]"));
  if (*found < 1 || *found > most)
    return yaml.error(key, absl::StrCat("expected an integer in [1, ", most, "], found ", *found));
  return *found;
}

absl::Status checkChoices(const YamlMapping &yaml, const Keys &keys) {
  for (const auto &[key, expected] : keys.choices) {
    STRATA_ASSIGN(const auto found, yaml.string(key));
    if (!found || (expected[0] == '.' ? !found->ends_with(expected) : *found != expected))
      return yaml.error(
          key, absl::StrCat("expected ", expected, ", found ", found ? printable(*found) : "none"));
  }
  const auto text = [](bool value) { return value ? "true" : "false"; };
  for (const Flag &flag : keys.flags) {
    STRATA_ASSIGN(const auto found, yaml.boolean(flag.key));
    if (found.value_or(flag.absent) != flag.expected)
      return yaml.error(
          flag.key, absl::StrCat("expected ", text(flag.expected), ", found ", text(!flag.expected),
                                 flag.absent != flag.expected
                                     ? absl::StrCat(" or none, which means ", text(flag.absent))
                                     : "",
                                 ": ", flag.why));
  }
  for (const char *key : keys.absent) {
    STRATA_ASSIGN(const auto found, yaml.string(key));
    if (found)
      return yaml.error(key, absl::StrCat("expected none, found ", printable(*found)));
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<NemoHeads> readNemoHeads(const YamlMapping &yaml, NemoVersion version) {
  const Keys &keys = keysOf(version);
  STRATA_ASSIGN(const int64_t heads, readCount(yaml, keys.heads, kMaxHeads));
  STRATA_ASSIGN(const int64_t groups, readCount(yaml, keys.groups, kMaxHeads, heads));
  STRATA_ASSIGN(const int64_t hidden, readCount(yaml, keys.hidden, 65536));
  STRATA_ASSIGN(const int64_t headDim, readCount(yaml, keys.headDim, kMaxHeadDim, hidden / heads));
  if (heads % groups != 0 || headDim < 1)
    return yaml.error(keys.heads, absl::StrCat("expected a multiple of ", groups,
                                               " groups and at most ", hidden, ", found ", heads));
  return NemoHeads{uint64_t(groups), uint64_t(heads / groups), uint64_t(headDim)};
}

absl::StatusOr<std::string> nemoConfigText(const YamlMapping &yaml, NemoVersion version,
                                           uint64_t vocabulary) {
  const Keys &keys = keysOf(version);
  STRATA_TRY(checkChoices(yaml, keys));
  ConfigText text{"NemotronForCausalLM", "nemotron"};
  text.addInteger("vocab_size", int64_t(vocabulary));
  for (const auto &[theirs, ours] : keys.integers) {
    STRATA_ASSIGN(const std::optional<int64_t> value, yaml.integer(theirs));
    if (value)
      text.addInteger(ours, *value);
  }
  STRATA_ASSIGN(const auto eps, yaml.number(keys.eps));
  STRATA_ASSIGN(const auto theta, yaml.number(keys.theta));
  STRATA_ASSIGN(const auto rotary, yaml.number(keys.rotary));
  STRATA_ASSIGN(const auto interpolation, yaml.number(keys.interpolation));
  STRATA_ASSIGN(const auto tied, yaml.boolean(keys.tied));
  text.addNumber("norm_eps", eps.value_or(1e-5));
  text.addNumber("rope_theta", theta.value_or(10000));
  text.addNumber("partial_rotary_factor", rotary.value_or(1));
  text.addBoolean("tie_word_embeddings", tied.value_or(true));
  if (interpolation)
    text.add("rope_scaling",
             absl::StrFormat(R"({"type": "linear", "factor": %.17g})", *interpolation));
  return text.finish();
}

} // namespace strata
