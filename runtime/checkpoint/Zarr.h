//===- Zarr.h - arrays as NeMo's checkpoints hold them ----------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/NemoFiles.h"

#include "absl/status/statusor.h"

#include <string>
#include <vector>

namespace strata {

/// An array that is stored as slices along its first axis, one file each.
struct ZarrArray {
  DType dtype;
  std::vector<uint64_t> shape;
  uint64_t sliceRows;             // of the first axis, in each file
  std::vector<std::string> files; // in order
};

/// Reads `folder`/.zarray (zarr 2, uncompressed, row-major). Arrays split along another axis than
/// the first, as by tensor parallelism, are UNIMPLEMENTED.
/// https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html
absl::StatusOr<ZarrArray> readZarray(const NemoFiles &files, const std::string &folder);

} // namespace strata
