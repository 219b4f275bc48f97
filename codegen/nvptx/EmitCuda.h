//===- EmitCuda.h - machine code for GPUs, real and simulated ---*- C++ -*-===//
#pragma once

#include "codegen/Target.h"

namespace strata::nvptx {

/// Code for the chips of one family from the module @cuda after the stage `llvm`: a cubin each
/// where ptxas is installed, x86-64 code for the simulated GPU, and PTX. STRATA_PTXAS in the
/// environment names ptxas, or, if it is empty, says that there is none.
llvm::Expected<EmittedCode> emitCuda(mlir::ModuleOp cudaModule, const MachineClass &machines);

} // namespace strata::nvptx
