//===- Rotary.h - the arithmetic of decoder.rotary_table --------*- C++ -*-===//
#pragma once

#include "codegen/BodyBuilder.h"
#include "dialect/Decoder.h"

namespace strata {

/// theta^(-2i/dims) / scale for i < dims/2, in f32 as Hugging Face computes it.
llvm::SmallVector<float> rotaryFrequencies(RotaryTableOp op);

/// {cos, sin} of an f32 angle, as f32; accurate to an f32 ulp for angles in the millions.
std::pair<Value, Value> emitCosSin(BodyBuilder &b, Value angle);

/// {x, y}, f32 scalars or vectors, turned by the angle of that cosine and sine.
std::pair<Value, Value> rotate(BodyBuilder &b, Value x, Value y, Value cos, Value sin);

} // namespace strata
