//===- CompileKernel.h - MLIR text to an image for the simulator -*- C++ -*-===//
#pragma once

#include <string>

namespace strata::test {

/// Lowers kernels (llvm.func with scf, arith, vector and nvvm ops) and compiles them for the
/// simulated GPU. Aborts with the reason if that is not possible: these are the tests' own texts.
std::string compileKernel(const std::string &mlirText);

} // namespace strata::test
