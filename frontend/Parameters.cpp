//===- Parameters.cpp - lists the tensors that a model must have ----------===//

#include "frontend/Parameters.h"

#include "frontend/Modules.h"
#include "runtime/base/Quote.h"

#include "runtime/base/Status.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cstring>
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
  const WeightScheme *scheme = weight.linear ? config.schemeOf(module.path) : nullptr;
  if (scheme)
    weight.dtypes = kQuantizedTypes;
  if (scheme && scheme->packed) {
    weight.key += kPackedSuffix;
    weight.shape[1] = columns * uint64_t(scheme->bits) / 32;
    weight.dtypes = kPackedTypes;
  }
  parameters.push_back(std::move(weight));
  if (scheme)
    parameters.push_back({module.weightKey() + kScaleSuffix,
                          {rows, columns / uint64_t(scheme->groupOf(int64_t(columns)))}});
  if (scheme && scheme->packed)
    parameters.push_back({module.weightKey() + kShapeSuffix, {2}, kShapeTypes});
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

absl::Status checkPackedShapes(const ModelConfig &config, const Checkpoint &checkpoint) {
  for (const Module &module : listModules(config)) {
    const WeightScheme *scheme =
        module.kind == ModuleKind::linear && module.stored ? config.schemeOf(module.path) : nullptr;
    if (!scheme || !scheme->packed)
      continue;
    const std::string key = module.weightKey() + kShapeSuffix;
    constexpr uint64_t kShape[] = {2};
    STRATA_ASSIGN(const CheckpointTensor *tensor, checkpoint.require(key, kShape, kShapeTypes));
    std::vector<int64_t> found(2);
    std::memcpy(found.data(), tensor->bytes.data(), found.size() * sizeof(int64_t));
    if (!std::ranges::equal(found, module.shape))
      return absl::InvalidArgumentError(absl::StrCat(
          checkpoint.files()[tensor->file].path, ": ", key, ": expected [",
          absl::StrJoin(module.shape, ", "), "], found [", absl::StrJoin(found, ", "), "]"));
  }
  return absl::OkStatus();
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
