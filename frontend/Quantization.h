//===- Quantization.h - weights of 8 bits -----------------------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace strata {

/// Weights of a row that follow each other and share a scale.
inline constexpr int64_t kScaleGroup = 32;

/// What the key of a linear's scales ends with, behind the key of its weight.
inline constexpr char kScaleSuffix[] = "_scale";

} // namespace strata
