//===- Parameters.cpp - lists the tensors that a model must have ----------===//

#include "frontend/Parameters.h"

#include "frontend/Modules.h"
#include "runtime/base/Quote.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <set>

namespace strata {
namespace {

/// Appends what the module has, in the order in which it is read.
void addParameters(const Module &module, const ModelConfig &config,
                   std::vector<ParameterShape> &parameters) {
  ParameterShape weight{module.weightKey(), {module.shape.begin(), module.shape.end()}};
  weight.linear = module.kind == ModuleKind::linear;
  if (weight.shape.size() == 2)
    weight.dtypes = kMatrixTypes;
  const uint64_t rows = weight.shape[0], columns = weight.shape.back();
  const bool quantized = weight.linear && config.quantizes(module.path);
  if (quantized)
    weight.dtypes = kQuantizedTypes;
  parameters.push_back(std::move(weight));
  if (quantized)
    parameters.push_back({module.weightKey() + kScaleSuffix, {rows, columns / kQuantizationGroup}});
  if (module.bias)
    parameters.push_back({module.biasKey(), {rows}});
}

} // namespace

std::vector<ParameterShape> listParameters(const ModelConfig &config) {
  std::vector<ParameterShape> parameters;
  for (const Module &module : listModules(config))
    if (module.stored)
      addParameters(module, config, parameters);
  return parameters;
}

Checked getParameterCount(const ModelConfig &config) {
  Checked count(0);
  for (const Module &module : listModules(config)) {
    if (!module.stored)
      continue;
    const std::vector<uint64_t> shape(module.shape.begin(), module.shape.end());
    count = count + checkedProduct(shape) + (module.bias ? shape[0] : 0);
  }
  return count;
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
    absl::StrAppend(&text, i == 0 ? "" : ", ", printable(keys[i]));
  return keys.size() > kNamed ? text + ", ..." : text;
}

} // namespace strata
