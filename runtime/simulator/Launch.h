//===- Launch.h - a grid of a kernel ----------------------------*- C++ -*-===//
#pragma once

#include "runtime/simulator/DeviceMemory.h"
#include "runtime/simulator/Fiber.h"
#include "runtime/simulator/Options.h"

#include <cstdint>
#include <optional>
#include <string>

namespace strata::simulator {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t size() const { return uint64_t(x) * y * z; }
};

using KernelEntry = void(void **parameters);

/// All that a block needs to know; outlives it.
struct Launch {
  const char *kernel;
  KernelEntry *entry;
  void **parameters;
  Dim3 grid, block;
  uint32_t sharedBytes; ///< static and dynamic
  uint64_t seed;        ///< of this launch's random schedule
  const Options &options;
  const DeviceMemory &memory;
};

/// Runs the grid, block after block, on the calling thread. What went wrong, if something did.
std::optional<std::string> run(const Launch &launch, BlockStorage &storage);

} // namespace strata::simulator
