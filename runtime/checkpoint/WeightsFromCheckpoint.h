//===- WeightsFromCheckpoint.h - weights from another folder ----*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/package/Weights.h"

namespace strata {

/// The parameters of the package as a checkpoint holds them, in place; the checkpoint stays open as
/// long as the weights live. Every key must be there with the package's dtype and shape; the error
/// names file, key, expected and found.
absl::StatusOr<Weights> weightsFromCheckpoint(const Package &package, Checkpoint checkpoint);

} // namespace strata
