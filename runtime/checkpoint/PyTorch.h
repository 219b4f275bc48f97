//===- PyTorch.h - the format of torch.save ---------------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/ZipArchive.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strata {

/// What torch.save writes: a ZIP archive that holds a pickle and, for each storage, the bytes of
/// its tensors. In memory that outlives it. Nothing in it is executed: the pickle may name what a
/// dict of tensors needs, and no more.
class PyTorchArchive {
public:
  /// Errors begin with `place`. Archives of torch before 1.6, which are no ZIP, and of big-endian
  /// machines are UNIMPLEMENTED.
  static absl::StatusOr<PyTorchArchive> open(std::span<const std::byte> bytes, std::string place);

  /// The parts that describe the tensors: the pickle, and the archive's directory.
  std::vector<std::span<const std::byte>> header() const { return {pickle, zip.directory()}; }

  /// The tensors of a state dict, by key in the pickle's order; `file` is 0, `offset` counts from
  /// the start of the archive, and `bytes` is left empty. Every tensor is contiguous.
  absl::StatusOr<std::vector<std::pair<std::string, CheckpointTensor>>> tensors() const;

  /// The same of an archive that holds one tensor.
  absl::StatusOr<CheckpointTensor> tensor() const;

private:
  std::string picklePlace() const;

  ZipArchive zip;
  std::string folder; // in which all entries are, with the '/' behind it
  std::span<const std::byte> pickle;
  std::string place;
};

/// Adds every tensor of the file `folder`/`name`, a pytorch_model.bin, to `checkpoint`. Errors name
/// the file and the tensor.
absl::Status readPyTorch(const std::string &folder, const std::string &name,
                         Checkpoint &checkpoint);

} // namespace strata
