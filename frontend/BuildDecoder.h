//===- BuildDecoder.h - a model as decoder IR -------------------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace strata {

struct ModelConfig;

/// Tokens of a page of the KV cache.
inline constexpr int64_t kPageTokens = 64;

/// The module of a model: facts in `decoder.model`, one `@forward` of unfused ops on tensors, each
/// at the NameLoc of the module that it stands for. Loads the dialects it needs into `context`.
mlir::OwningOpRef<mlir::ModuleOp> buildDecoder(const ModelConfig &config,
                                               mlir::MLIRContext &context);

} // namespace strata
