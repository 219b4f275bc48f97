//===- NemoConfig.cpp - what model_config.yaml says -----------------------===//
//
// The keys and defaults are those of NeMo's megatron_gpt_config.yaml.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/NemoConfig.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ConfigText.h"

namespace strata {
namespace {

constexpr int64_t kMaxHeads = 1024, kMaxHeadDim = 1024;

/// Integers that mean what a key of config.json does.
constexpr std::pair<const char *, const char *> kIntegers[] = {
    {"hidden_size", "hidden_size"},
    {"ffn_hidden_size", "intermediate_size"},
    {"num_layers", "num_hidden_layers"},
    {"num_attention_heads", "num_attention_heads"},
    {"num_query_groups", "num_key_value_heads"},
    {"kv_channels", "head_dim"},
    {"max_position_embeddings", "max_position_embeddings"},
};

/// What the file must say, as NeMo's default is something else.
constexpr std::pair<const char *, const char *> kChoices[] = {
    {"normalization", "layernorm1p"},
    {"activation", "squared-relu"},
    {"position_embedding_type", "rope"},
};

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

absl::Status checkChoices(const YamlMapping &yaml) {
  for (const auto &[key, expected] : kChoices) {
    STRATA_ASSIGN(const auto found, yaml.string(key));
    if (found != expected)
      return yaml.error(
          key, absl::StrCat("expected ", expected, ", found ", found ? printable(*found) : "none"));
  }
  STRATA_ASSIGN(const auto bias, yaml.boolean("bias"));
  return bias.value_or(true) ? yaml.error("bias", "expected false, found true or none, which means "
                                                  "true: linear biases are not supported")
                             : absl::OkStatus();
}

} // namespace

absl::StatusOr<NemoHeads> readNemoHeads(const YamlMapping &yaml) {
  STRATA_ASSIGN(const int64_t heads, readCount(yaml, "num_attention_heads", kMaxHeads));
  STRATA_ASSIGN(const int64_t groups, readCount(yaml, "num_query_groups", kMaxHeads, heads));
  STRATA_ASSIGN(const int64_t hidden, readCount(yaml, "hidden_size", 65536));
  STRATA_ASSIGN(const int64_t headDim, readCount(yaml, "kv_channels", kMaxHeadDim, hidden / heads));
  if (heads % groups != 0 || headDim < 1)
    return yaml.error("num_attention_heads",
                      absl::StrCat("expected a multiple of ", groups, " groups and at most ",
                                   hidden, ", found ", heads));
  return NemoHeads{uint64_t(groups), uint64_t(heads / groups), uint64_t(headDim)};
}

absl::StatusOr<std::string> nemoConfigText(const YamlMapping &yaml, uint64_t vocabulary) {
  STRATA_TRY(checkChoices(yaml));
  ConfigText text{"NemotronForCausalLM", "nemotron"};
  text.addInteger("vocab_size", int64_t(vocabulary));
  for (const auto &[theirs, ours] : kIntegers) {
    STRATA_ASSIGN(const std::optional<int64_t> value, yaml.integer(theirs));
    if (value)
      text.addInteger(ours, *value);
  }
  STRATA_ASSIGN(const auto eps, yaml.number("layernorm_epsilon"));
  STRATA_ASSIGN(const auto theta, yaml.number("rotary_base"));
  STRATA_ASSIGN(const auto rotary, yaml.number("rotary_percentage"));
  STRATA_ASSIGN(const auto interpolation, yaml.number("seq_len_interpolation_factor"));
  STRATA_ASSIGN(const auto tied, yaml.boolean("share_embeddings_and_output_weights"));
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
