//===- Epilogue.h - what is done to products, on every target ---*- C++ -*-===//
#pragma once

#include "codegen/KernelSpec.h"
#include "codegen/LinearSpec.h"

namespace strata {

/// a(x) of an f32 scalar or vector; NaN stays NaN.
Value activate(BodyBuilder &b, Activation a, Value x);

/// Rows of the product: tokens, or the output rows of logits.
Value productRows(const LinearSpec &spec, const KernelArguments &args);

/// y after some steps, for y the f32 product of input row `token` and weight row `row`: a scalar
/// for 0 lanes, else a vector of that and the next rows.
using StepsOnValues = std::function<Value(Value y, Value token, Value row, int64_t lanes)>;

/// Writes what `steps` of a part need where the builder stands; they are applied where the function
/// is called. None of them is a rope.
StepsOnValues prepareSteps(BodyBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                           const LinearSpec::Part &part, llvm::ArrayRef<LinearSpec::Step> steps);

} // namespace strata
