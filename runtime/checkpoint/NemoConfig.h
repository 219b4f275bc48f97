//===- NemoConfig.h - what the configurations of NeMo say -------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Yaml.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace strata {

/// NeMo 1's model_config.yaml, NeMo 2's context/model.yaml.
enum class NemoVersion { one, two };

/// How the rows of linear_qkv.weight lie: for each group the queries of its heads, then one head of
/// keys, then one of values.
struct NemoHeads {
  uint64_t groups;        // heads of keys, and of values
  uint64_t headsPerGroup; // of queries
  uint64_t headDim;       // rows of a head
};

/// The heads as the file tells them, checked: products of them fit 64 bits.
absl::StatusOr<NemoHeads> readNemoHeads(const YamlMapping &yaml, NemoVersion version);

/// The text of a config.json that says the same; NeMo's defaults are filled in. `vocabulary` are
/// the rows of the embedding. What Nemotron's architecture is not, is refused.
absl::StatusOr<std::string> nemoConfigText(const YamlMapping &yaml, NemoVersion version,
                                           uint64_t vocabulary);

} // namespace strata
