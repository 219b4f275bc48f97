//===- Parameters.h - the tensors that a model must have --------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"
#include "runtime/Checkpoint.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// A tensor that a model of this configuration reads.
struct ParameterShape {
  std::string key; // "model.layers.0.mlp.up_proj.weight"
  std::vector<uint64_t> shape;
  bool linear = false; // the weight of a linear module, [out, in]: what quantization is for
};

/// All of them, in the order in which a step reads them: those of the module that buildDecoder
/// makes of `config`.
std::vector<ParameterShape> listParameters(const ModelConfig &config);

/// The types that parameters may have.
inline constexpr DType kParameterTypes[] = {DType::bf16, DType::f16, DType::f32};

} // namespace strata
