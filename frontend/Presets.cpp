//===- Presets.cpp - the models known by name -----------------------------===//
//
// Sizes from the models' config.json files and from NeMo's recipes. What the table does not name is
// common to all: vocabulary 256000, context 4096, half of each head rotated, theta 10000, eps 1e-5.
//
//===----------------------------------------------------------------------===//

#include "frontend/Presets.h"

#include "runtime/base/Quote.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "llvm/ADT/StringRef.h"

#include <algorithm>

namespace strata {
namespace {

struct Preset {
  const char *name;
  int64_t layers, hidden, intermediate, heads, kvHeads, headDim;
};

// Minitron-8B has more query features (48 * 128) than hidden ones. Nemotron-3 has one kv head for
// each query head.
// clang-format off
constexpr Preset kPresets[] = {
    // name                    layers hidden intermediate heads kvHeads headDim
    {"nemotron-4-15b",             32,  6144,       24576,   48,      8,    128},
    {"nemotron-4-340b",            96, 18432,       73728,   96,      8,    192},
    {"minitron-4b",                32,  3072,        9216,   24,      8,    128},
    {"minitron-8b",                32,  4096,       16384,   48,      8,    128},
    {"nemotron-mini-4b",           32,  3072,        9216,   24,      8,    128},
    {"nemotron-4-mini-hindi-4b",   32,  3072,        9216,   24,      8,    128},
    {"nemotron-3-8b",              32,  4096,       16384,   32,     32,    128},
    {"nemotron-3-22b",             40,  6144,       24576,   48,     48,    128},
};
// clang-format on

ModelConfig toConfig(const Preset &preset) {
  ModelConfig config;
  config.name = preset.name;
  config.layers = preset.layers;
  config.hidden = preset.hidden;
  config.intermediate = preset.intermediate;
  config.heads = preset.heads;
  config.kvHeads = preset.kvHeads;
  config.headDim = preset.headDim;
  config.rotaryDims = preset.headDim / 2;
  return config;
}

unsigned distance(std::string_view a, std::string_view b) {
  return llvm::StringRef(a).edit_distance(b);
}
} // namespace

std::span<const ModelConfig> getPresets() {
  static const std::vector<ModelConfig> presets = [] {
    std::vector<ModelConfig> configs;
    std::ranges::transform(kPresets, std::back_inserter(configs), toConfig);
    return configs;
  }();
  return presets;
}

absl::StatusOr<ModelConfig> findPreset(std::string_view name) {
  std::vector<std::string> names;
  for (const ModelConfig &preset : getPresets()) {
    if (preset.name == name)
      return preset;
    names.push_back(preset.name);
  }
  const std::string &nearest =
      *std::ranges::min_element(names, {}, [&](const std::string &n) { return distance(name, n); });
  return absl::NotFoundError(absl::StrCat("unknown preset ", quote(name), "; did you mean ",
                                          nearest, "? presets are ", absl::StrJoin(names, ", ")));
}

} // namespace strata
