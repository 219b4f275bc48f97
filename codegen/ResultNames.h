//===- ResultNames.h - what people call a step's values ---------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"

#include <string>

namespace strata {

/// Names for the results of a kernel op: the module of the checkpoint that they come from, and what
/// was done to them since: "model.layers.3.mlp.up_proj", "model.layers.3.mlp.up_proj.squared_relu",
/// "model.layers.3.self_attn.q_proj.rope". The same for a value whether its op is fused or not.
/// Empty for values whose module is not known.
llvm::SmallVector<std::string> nameResults(mlir::Operation *op);

/// `location` with the names in it, for the op that takes another's place; readResultNames finds
/// them.
mlir::Location withResultNames(mlir::Location location, llvm::ArrayRef<std::string> names);

/// The names of an op's results, or of none.
llvm::SmallVector<std::string> readResultNames(mlir::Location location);

} // namespace strata
