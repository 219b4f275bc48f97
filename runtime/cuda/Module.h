//===- Module.h - a package's code on a GPU ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/DeviceInfo.h"
#include "runtime/cuda/Driver.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace strata::cuda {

/// A kernel's name and its blocks.
struct KernelShape {
  std::string symbol;
  uint64_t threads, sharedBytes; // of a block; dynamic shared memory
};

/// A code object, loaded into the current context; unloaded with it.
class Module {
public:
  /// PTX is compiled by the driver. `target` names it in errors.
  static absl::StatusOr<Module> load(const Driver &driver, std::string target,
                                     package::CodeFormat format, std::span<const std::byte> image);

  /// The kernel of that name, made ready for blocks of this size; an error if the module does not
  /// have it or the device is too small for the blocks.
  absl::StatusOr<CUfunction> function(const Driver &driver, const DeviceInfo &device,
                                      const KernelShape &kernel);
  const std::string &target() const { return name; }

private:
  struct Function {
    CUfunction handle;
    uint64_t staticBytes; // of shared memory
    uint64_t most;        // dynamic shared memory that may be asked for
    uint64_t threads;     // of a block, at most
  };
  Module(std::string target, Owned<CUmodule> module)
      : name(std::move(target)), module(std::move(module)) {}
  absl::StatusOr<Function> find(const Driver &driver, const std::string &symbol) const;

  std::string name;
  Owned<CUmodule> module;
  std::map<std::string, Function> functions;
};

} // namespace strata::cuda
