//===- ReadMlir.h - a model written as MLIR text ----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace strata {

/// Parses and verifies the .mlir file at `path`, and checks that it is a model: a module with
/// `decoder.model` and nothing but `@forward`, which has the signature that buildDecoder gives it
/// and holds only decoder ops, fused or not. Errors begin with `path`, and line and column where
/// there is one; nothing is printed.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> readMlir(const std::string &path,
                                                           mlir::MLIRContext &context);

} // namespace strata
