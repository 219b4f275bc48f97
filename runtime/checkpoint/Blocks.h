//===- Blocks.h - quantized weights of GGUF as numbers ----------*- C++ -*-===//
//
// How each format is laid out stands beside its decoder. Weights of a block follow each other along
// a row; all numbers of several bytes are little endian.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include <cstddef>
#include <span>

namespace strata {

/// Decodes whole blocks of a type that isQuantized, at any address, into as many floats as they
/// have weights. These are ggml's, bit by bit: each product and sum is rounded to f32, in its
/// order. A scale that is an infinity or NaN gives such weights: no value is an error.
void decodeBlocks(DType dtype, std::span<const std::byte> blocks, std::span<float> to);

} // namespace strata
