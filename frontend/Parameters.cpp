//===- Parameters.cpp -----------------------------------------------------===//

#include "frontend/Parameters.h"

#include "runtime/base/Quote.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <set>

namespace strata {
namespace {

class ParameterList {
public:
  explicit ParameterList(const ModelConfig &config) : config(config) {}

  void table(const std::string &module, int64_t rows, int64_t features) {
    parameters.push_back({module + ".weight", {uint64_t(rows), uint64_t(features)}});
  }
  void linear(const std::string &module, int64_t out, int64_t in) {
    table(module, out, in);
    parameters.back().linear = true;
    if (!config.quantizes(module))
      return;
    parameters.back().dtypes = kQuantizedTypes;
    parameters.push_back(
        {module + ".weight" + kScaleSuffix, {uint64_t(out), uint64_t(in / kQuantizationGroup)}});
  }
  void norm(const std::string &module, int64_t features) {
    for (const char *kind : {".weight", ".bias"})
      parameters.push_back({module + kind, {uint64_t(features)}});
  }

  std::vector<ParameterShape> parameters;

private:
  const ModelConfig &config;
};

} // namespace

std::vector<ParameterShape> listParameters(const ModelConfig &config) {
  ParameterList list(config);
  int64_t queries = config.heads * config.headDim, keys = config.kvHeads * config.headDim;
  list.table("model.embed_tokens", config.vocabulary, config.hidden);
  for (int64_t i = 0; i != config.layers; ++i) {
    std::string layer = "model.layers." + std::to_string(i);
    list.norm(layer + ".input_layernorm", config.hidden);
    list.linear(layer + ".self_attn.q_proj", queries, config.hidden);
    list.linear(layer + ".self_attn.k_proj", keys, config.hidden);
    list.linear(layer + ".self_attn.v_proj", keys, config.hidden);
    list.linear(layer + ".self_attn.o_proj", config.hidden, queries);
    list.norm(layer + ".post_attention_layernorm", config.hidden);
    list.linear(layer + ".mlp.up_proj", config.intermediate, config.hidden);
    list.linear(layer + ".mlp.down_proj", config.hidden, config.intermediate);
  }
  list.norm("model.norm", config.hidden);
  if (!config.tiedEmbeddings)
    list.linear("lm_head", config.vocabulary, config.hidden);
  return std::move(list.parameters);
}

std::vector<std::string_view> listUnused(const std::vector<ParameterShape> &parameters,
                                         const Checkpoint &checkpoint) {
  std::set<std::string_view> used;
  for (const ParameterShape &parameter : parameters)
    used.insert(parameter.key);
  std::vector<std::string_view> unused;
  for (const auto &[key, tensor] : checkpoint.tensors())
    if (!used.contains(key) && !key.ends_with("rotary_emb.inv_freq"))
      unused.push_back(key);
  return unused;
}

std::string describeUnused(const std::vector<std::string_view> &keys) {
  constexpr size_t kNamed = 4;
  std::string text =
      absl::StrCat(keys.size(), keys.size() == 1 ? " tensor" : " tensors", " not used: ");
  for (size_t i = 0; i < std::min(keys.size(), kNamed); ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", shown(keys[i]));
  return keys.size() > kNamed ? text + ", ..." : text;
}

} // namespace strata
