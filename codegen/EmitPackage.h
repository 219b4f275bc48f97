//===- EmitPackage.h - the stage `package` ----------------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// A file of the checkpoint.
struct PackageFile {
  std::string name;
  std::span<const std::byte> bytes;
  std::vector<std::span<const std::byte>> header; ///< parts of `bytes` that describe the tensors
};

/// Where a parameter's bytes lie.
struct PackageTensor {
  uint32_t file;
  uint64_t offset;
  llvm::StringRef bytes;
};

/// Machine code for one kind of machine.
struct PackageCode {
  enum class Format { Elf, Cubin, Ptx };
  std::string target;                ///< as CodeObject.target in Package.fbs
  std::vector<std::string> features; ///< what cpuid must report
  Format format;
  std::string bytes;
};

/// A kernel that belongs to no op, as Auxiliary in Package.fbs.
struct PackageAuxiliary {
  enum class Role { Read, Matrix, RandomBf16, RandomF16, RandomF32, Sample = 6 };
  Role role;
  std::string symbol;
  uint32_t block;               ///< threads
  uint32_t sharedBytes = 0;     ///< dynamic shared memory of a block
  uint64_t flops = 0;           ///< Matrix: of a block in a round
  std::string instruction = ""; ///< Matrix: its name
};

/// The compiled step for one kind of device, after the stage `kernels`.
struct PackageDevice {
  std::string name; ///< "cpu", "cuda"
  mlir::ModuleOp module;
  std::vector<PackageCode> code; ///< best first
  std::vector<PackageAuxiliary> auxiliary;
};

/// Becomes a section of its own.
struct PackageTokenizer {
  std::string section; ///< "tokenizer" or "tokenizer.bpe"
  llvm::StringRef bytes;
};

/// What goes into a package besides the program. The referenced bytes must outlive the call.
struct PackageInputs {
  std::string compiler;                   ///< name and version of this compiler
  std::string weightsDirectory;           ///< absolute; empty without weights
  std::vector<PackageFile> files;         ///< of the checkpoint
  llvm::StringMap<PackageTensor> tensors; ///< by key; empty without weights
  bool embedWeights = false;
  llvm::StringSet<> includesOne; ///< keys of the norms' weights that include the 1
  std::optional<PackageTokenizer> tokenizer;
  std::string chatTemplate; ///< as Model.chat_template in Package.fbs
};

/// The bytes of model.strata, with a program for each device. All devices run the same model.
/// Deterministic: equal inputs give equal bytes. The runtime's own verifier has accepted them.
llvm::Expected<std::string> emitPackage(llvm::ArrayRef<PackageDevice> devices,
                                        const PackageInputs &inputs);

/// Writes all of `bytes` under `path` or nothing: a temporary file beside it, fsync, rename.
llvm::Error writeFileAtomically(llvm::StringRef path, llvm::StringRef bytes);

} // namespace strata
