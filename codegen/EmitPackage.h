//===- EmitPackage.h - the stage `package` ----------------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// A file of the checkpoint; `header` are the bytes that describe its tensors.
struct PackageFile {
  std::string name;
  uint64_t size;
  llvm::StringRef header;
};

/// Where a parameter's bytes lie.
struct PackageTensor {
  uint32_t file;
  uint64_t offset;
  llvm::StringRef bytes;
};

/// Machine code for one kind of machine.
struct PackageCode {
  std::string target;
  std::vector<std::string> features;
  std::string elf;
};

/// What goes into a package besides the program. The referenced bytes must outlive the call.
struct PackageInputs {
  std::string compiler;                   ///< name and version of this compiler
  std::string weightsDirectory;           ///< absolute; empty without weights
  std::vector<PackageFile> files;         ///< of the checkpoint
  llvm::StringMap<PackageTensor> tensors; ///< by key; empty without weights
  bool embedWeights = false;
  std::optional<std::string> tokenizer; ///< bytes of a SentencePiece model
  std::vector<PackageCode> code;        ///< best first
};

/// The bytes of model.strata for a program after the stage `kernels`. Deterministic: equal inputs
/// give equal bytes. The runtime's own verifier has accepted them.
llvm::Expected<std::string> emitPackage(mlir::ModuleOp module, const PackageInputs &inputs);

/// Writes all of `bytes` under `path` or nothing: a temporary file beside it, fsync, rename.
llvm::Error writeFileAtomically(llvm::StringRef path, llvm::StringRef bytes);

} // namespace strata
