//===- Parameters.h - the tensors that a model must have --------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"
#include "runtime/base/Checked.h"
#include "runtime/checkpoint/Checkpoint.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// The types that parameters may have, those of weights and tables too, and those of weights that
/// quantization_config says are quantized.
inline constexpr DType kParameterTypes[] = {DType::bf16, DType::f16, DType::f32};
inline constexpr DType kMatrixTypes[] = {
    DType::bf16, DType::f16,  DType::f32,  DType::q8_0, DType::q4_0,   DType::q4_1,  DType::q5_0,
    DType::q5_1, DType::q4_k, DType::q5_k, DType::q6_k, DType::iq4_nl, DType::iq4_xs};
inline constexpr DType kQuantizedTypes[] = {DType::i8};
inline constexpr DType kPackedTypes[] = {DType::i32};
inline constexpr DType kShapeTypes[] = {DType::i64};

/// A tensor that a model of this configuration reads.
struct ParameterShape {
  std::string key; // "model.layers.0.mlp.up_proj.weight"
  std::vector<uint64_t> shape;
  std::span<const DType> dtypes = kParameterTypes; // that it may have
  bool linear = false; // the weight of a linear module, [out, in]: what quantization is for
};

/// All of them, in the order in which a step reads them: those of the module that buildDecoder
/// makes of `config`.
std::vector<ParameterShape> listParameters(const ModelConfig &config);

/// That weights in words were what their modules are, where these are stored beside them.
absl::Status checkPackedShapes(const ModelConfig &config, const Checkpoint &checkpoint);

/// Elements of all weights and biases together, each counted once. Scales are not counted: they are
/// no part of the model, but of how it is stored.
Checked getParameterCount(const ModelConfig &config);

/// The keys of tensors that are none of these parameters, but for the rotary buffers of old files.
/// They point into the checkpoint.
std::vector<std::string_view> listUnused(const std::vector<ParameterShape> &parameters,
                                         const Checkpoint &checkpoint);

/// "5 tensors not used: a, b, c, d, ..."
std::string describeUnused(const std::vector<std::string_view> &keys);

} // namespace strata
