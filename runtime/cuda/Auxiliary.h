//===- Auxiliary.h - what the runtime launches for itself -------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/Module.h"
#include "runtime/package/Package.h"

#include <initializer_list>
#include <map>
#include <string>

namespace strata::cuda {

/// A kernel that belongs to no op (Auxiliary in Package.fbs).
struct AuxiliaryKernel {
  CUfunction function;
  unsigned threads, sharedBytes; // of a block; dynamic shared memory
  double flops;                  // matrix: of a block in a round
  std::string instruction;

  /// Puts a launch into the stream. `parameters` are the addresses of values that Role describes.
  absl::Status launch(const Driver &driver, CUstream stream, uint64_t blocks,
                      std::initializer_list<const void *> parameters) const;
};

/// All of a program's. Packages of before there were any have none.
class AuxiliaryKernels {
public:
  static absl::StatusOr<AuxiliaryKernels> create(const Driver &driver, const DeviceInfo &device,
                                                 const package::Program &program, Module &module);
  /// The one for a role; null if there is none.
  const AuxiliaryKernel *find(package::Role role) const;

private:
  std::map<package::Role, AuxiliaryKernel> kernels;
};

} // namespace strata::cuda
