//===- NvvmNames.h - the nvvm dialect without its ops -----------*- C++ -*-===//
//
// Names of attributes and memory spaces. mlir/Dialect/LLVMIR/NVVMDialect.h, which declares all ops
// as well, takes a compiler ten seconds; it cannot be included beside this.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"

#include "mlir/Dialect/LLVMIR/NVVMOpsEnums.h.inc"

#include "mlir/Dialect/LLVMIR/NVVMOpsDialect.h.inc"
