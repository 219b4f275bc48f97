//===- BuildDecoder.h - a model as decoder IR -------------------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace strata {

class Checkpoint;
struct ModelConfig;

/// Tokens of a page of the KV cache.
inline constexpr int64_t kPageTokens = 64;

/// The module of a model: facts in `decoder.model`, one `@forward` of unfused ops on tensors, each
/// at the NameLoc of the module that it stands for. Parameters are as `checkpoint` stores them, if
/// there is one and has them in the shape that `config` tells; else contiguous, in the config's
/// dtype. Loads the dialects it needs into `context`.
mlir::OwningOpRef<mlir::ModuleOp> buildDecoder(const ModelConfig &config,
                                               mlir::MLIRContext &context,
                                               const Checkpoint *checkpoint = nullptr);

} // namespace strata
