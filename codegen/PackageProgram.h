//===- PackageProgram.h - @forward as the manifest's program ----*- C++ -*-===//
#pragma once

#include "codegen/EmitPackage.h"
#include "runtime/package/Package_generated.h"

namespace strata {

/// What the manifest says of the model that follows from @forward.
struct ProgramFacts {
  uint32_t vocabulary = 0, layers = 0, hidden = 0;
};
ProgramFacts getProgramFacts(mlir::ModuleOp module);

/// The dispatches of @forward in order, with their kernels and buffers. The device's machine code
/// is in sections from `firstSection` on; `parameters` numbers the keys. Errors name the dispatch.
llvm::Expected<flatbuffers::Offset<package::Program>>
emitProgram(flatbuffers::FlatBufferBuilder &fb, const PackageDevice &device, unsigned firstSection,
            const llvm::StringMap<unsigned> &parameters);

} // namespace strata
