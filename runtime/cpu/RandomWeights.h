//===- RandomWeights.h - random weights made by this machine ----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/package/RandomWeights.h"
#include "runtime/package/Weights.h"

#include <cstddef>
#include <span>

namespace strata::cpu {

/// Fills `to`, as many bytes as whole values, or blocks of them.
void makeRandomValues(const RandomValues &values, std::span<std::byte> to);

/// These weights, or random ones made now, in memory of our own; an error if that is too little.
absl::StatusOr<Weights> inMemory(const Package &package, const Weights &weights);

} // namespace strata::cpu
