//===- EmitPtx.h - the module @cuda to PTX and cubins -----------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace strata::nvptx {

/// PTX text for a chip ("sm_80", "sm_90a") of the module @cuda after the stage `llvm`. Leaves the
/// module as it is. Thread-safe for different clones.
llvm::Expected<std::string> emitPtx(mlir::ModuleOp cudaModule, llvm::StringRef chip);

/// Path of ptxas: in PATH, or in /usr/local/cuda/bin; nothing where there is none.
std::optional<std::string> findPtxas();

struct Cubin {
  std::string bytes;
  std::string report; ///< what ptxas -v says: registers, shared memory, spills, kernel by kernel
};

/// Assembles PTX; the error holds what ptxas says.
llvm::Expected<Cubin> assemblePtx(llvm::StringRef ptx, llvm::StringRef chip,
                                  const std::string &ptxas);

} // namespace strata::nvptx
