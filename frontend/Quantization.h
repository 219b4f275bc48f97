//===- Quantization.h - weights of 8 bits -----------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

class JsonObject;

/// Weights of a row that follow each other and share a scale.
inline constexpr int64_t kQuantizationGroup = 32;

/// What the key of a linear's scales ends with, behind the key of its weight.
inline constexpr char kScaleSuffix[] = "_scale";

/// How the linear modules of a model are stored: weights of i8, each worth its value times the
/// scale of its group (docs/quantization.md).
struct Quantization {
  std::vector<std::string> ignored; // modules that are stored as others are

  bool includes(std::string_view module) const;
};

/// The quantization_config of a config.json; empty if there is none. Only the one kind that
/// Quantization describes is accepted: compressed-tensors' int-quantized, weights of 8 bits in
/// groups of 32, symmetric, activations untouched.
absl::StatusOr<std::optional<Quantization>> readQuantization(const JsonObject &config);

} // namespace strata
