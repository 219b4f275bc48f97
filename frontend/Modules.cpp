//===- Modules.cpp - the table of the modules -----------------------------===//
//
// Paths are those of Hugging Face's NemotronForCausalLM. A reader of another format has a table
// beside it that maps the format's names to them (runtime/checkpoint/RenameTable.h).
//
//===----------------------------------------------------------------------===//

#include "frontend/Modules.h"

#include "frontend/ModelConfig.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace strata {
namespace {

using Kind = ModuleKind;
using Role = ModuleRole;

using Size = int64_t (*)(const ModelConfig &);
int64_t vocabulary(const ModelConfig &config) { return config.vocabulary; }
int64_t hidden(const ModelConfig &config) { return config.hidden; }
int64_t intermediate(const ModelConfig &config) { return config.intermediate; }
int64_t queries(const ModelConfig &config) { return config.heads * config.headDim; }
int64_t keys(const ModelConfig &config) { return config.kvHeads * config.headDim; }

using Condition = bool (*)(const ModelConfig &);
bool always(const ModelConfig &) { return true; }
bool never(const ModelConfig &) { return false; }
bool untied(const ModelConfig &config) { return !config.tiedEmbeddings; }
bool attentionBias(const ModelConfig &config) { return config.attentionBias; }
bool mlpBias(const ModelConfig &config) { return config.mlpBias; }

struct Row {
  Role role;
  std::string_view path; // '*' is the number of the layer
  Kind kind = Kind::function;
  Size rows = nullptr, columns = nullptr; // of the weight; a norm's features are its rows
  Condition bias = never, stored = never;

  constexpr bool isInLayer() const { return path.find('*') != std::string_view::npos; }
};

// clang-format off
constexpr Row kModules[] = {
    {Role::embedding, "model.embed_tokens", Kind::embedding, vocabulary, hidden, never, always},
    {Role::rotaryTable, "model.rotary_emb"},
    {Role::block, "model.layers.*"},
    {Role::attention, "model.layers.*.self_attn"},
    {Role::attentionNorm, "model.layers.*.input_layernorm", Kind::norm, hidden, nullptr, always, always},
    {Role::query, "model.layers.*.self_attn.q_proj", Kind::linear, queries, hidden, attentionBias, always},
    {Role::key, "model.layers.*.self_attn.k_proj", Kind::linear, keys, hidden, attentionBias, always},
    {Role::value, "model.layers.*.self_attn.v_proj", Kind::linear, keys, hidden, attentionBias, always},
    {Role::attentionOutput, "model.layers.*.self_attn.o_proj", Kind::linear, hidden, queries, attentionBias, always},
    {Role::mlpNorm, "model.layers.*.post_attention_layernorm", Kind::norm, hidden, nullptr, always, always},
    {Role::up, "model.layers.*.mlp.up_proj", Kind::linear, intermediate, hidden, mlpBias, always},
    {Role::activation, "model.layers.*.mlp.act_fn"},
    {Role::down, "model.layers.*.mlp.down_proj", Kind::linear, hidden, intermediate, mlpBias, always},
    {Role::finalNorm, "model.norm", Kind::norm, hidden, nullptr, always, always},
    {Role::head, "lm_head", Kind::linear, vocabulary, hidden, never, untied},
};
// clang-format on

consteval bool isInOrderOfRoles() {
  for (size_t i = 0; i != std::size(kModules); ++i)
    if (kModules[i].role != Role(i))
      return false;
  return std::size(kModules) == size_t(Role::head) + 1;
}
static_assert(isInOrderOfRoles());

Module describe(const ModelConfig &config, const Row &row, int64_t layer) {
  Module module{std::string(row.path), row.kind, {}, row.bias(config), row.stored(config)};
  if (row.isInLayer())
    module.path.replace(row.path.find('*'), 1, std::to_string(layer));
  for (const Size size : {row.rows, row.columns})
    if (size)
      module.shape.push_back(size(config));
  return module;
}

} // namespace

Module describeModule(const ModelConfig &config, ModuleRole role, int64_t layer) {
  return describe(config, kModules[size_t(role)], layer);
}

std::vector<Module> listModules(const ModelConfig &config) {
  const auto *const first = std::ranges::find_if(kModules, &Row::isInLayer);
  const auto *const last = std::ranges::find_if_not(first, std::end(kModules), &Row::isInLayer);
  std::vector<Module> modules;
  for (const Row *row = std::begin(kModules); row != first; ++row)
    modules.push_back(describe(config, *row, 0));
  for (int64_t layer = 0; layer != config.layers; ++layer)
    for (const Row *row = first; row != last; ++row)
      modules.push_back(describe(config, *row, layer));
  for (const Row *row = last; row != std::end(kModules); ++row)
    modules.push_back(describe(config, *row, 0));
  return modules;
}

} // namespace strata
