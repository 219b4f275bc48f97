//===- CodegenPasses.h - from planned ops to kernels ------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>
#include <string>

namespace strata {

#define GEN_PASS_DECL
#include "codegen/CodegenPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/CodegenPasses.h.inc"

/// Registers the passes above, and those of every target.
void registerAllCodegenPasses();

} // namespace strata
