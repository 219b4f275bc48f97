//===- PackageLimits.h - how large the parts of a program may be -*- C++ -*-===//
//
// What more than one place relies on: the verifier refuses packages with more (PackageIndices),
// devices have room for as many (cuda/LaunchPlan), and the kernels' forms meet them (codegen).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata {

/// Tokens of a sequence or of a step, at most.
inline constexpr uint32_t kMostContext = 1 << 24;
/// Buffers of a dispatch, at most.
inline constexpr uint32_t kMostBuffers = 64;
/// Tensor maps of a phase, at most.
inline constexpr uint32_t kMostMaps = 16;
/// Threads of a GPU's block, at most.
inline constexpr uint32_t kMostBlockThreads = 1024;

/// Tokens of a step that a GPU replays as a graph, at most: those of decode's forms.
inline constexpr int64_t kMostGraphTokens = 16;

} // namespace strata
