//===- Quantization.h - weights of 4 and 8 bits -----------------*- C++ -*-===//
#pragma once

#include "frontend/ModulePattern.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

class JsonObject;

/// Weights of a row that follow each other and share a scale are a multiple of so many.
inline constexpr int64_t kQuantizationGroup = 32;

/// What the keys of a linear's tensors end with, behind that of its weight: its scales, and where
/// numbers are packed, these and the shape they had.
inline constexpr char kScaleSuffix[] = "_scale";
inline constexpr char kPackedSuffix[] = "_packed";
inline constexpr char kShapeSuffix[] = "_shape";

/// How a weight is stored: whole numbers, each worth its value times the scale of its group
/// (docs/quantization.md).
struct WeightScheme {
  int64_t bits = 8;                   // of a number: 4 or 8
  bool packed = false;                // in words of 32 bits; 4 bits always are
  int64_t group = kQuantizationGroup; // features that share a scale; 0: all of a row

  int64_t groupOf(int64_t features) const { return group ? group : features; }
  bool operator==(const WeightScheme &) const = default;
};

/// How the linear modules of a model are stored.
struct Quantization {
  struct Target {
    ModulePattern modules;
    WeightScheme scheme;
  };
  std::vector<Target> targets;        // of those that fit a module alike, the first decides
  std::vector<ModulePattern> ignored; // modules that are stored as others are

  /// Null for a module that is not quantized.
  const WeightScheme *schemeOf(std::string_view linear) const;
};

/// The quantization_config of a config.json; empty if there is none. What compressed-tensors calls
/// int-quantized and pack-quantized is accepted, of whole numbers of 4 and 8 bits, symmetric, in
/// groups or channels; anything else is refused by name.
absl::StatusOr<std::optional<Quantization>> readQuantization(const JsonObject &config);

} // namespace strata
