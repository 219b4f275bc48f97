//===- DistributedTorch.h - checkpoints of torch.distributed ----*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// A piece of a tensor, and the part of a file that torch.save wrote it to.
struct TensorChunk {
  std::vector<uint64_t> offsets, sizes; // in elements of the tensor, for each of its dimensions
  std::string file;                     // relative to the folder of the checkpoint
  uint64_t begin, bytes;                // of the file
};

/// A tensor as it was cut. Chunks lie inside of it and come in the order of their offsets; nothing
/// says that they cover it.
struct DistributedTensor {
  std::string key;
  DType dtype;
  std::vector<uint64_t> shape;
  std::vector<TensorChunk> chunks; // at least one
};

/// The tensors that `.metadata` describes, a pickle of torch.distributed.checkpoint, in the order
/// of their keys; other objects are left out. Errors begin with `place`. Tensors of other types
/// than Checkpoint's, chunks whose place is not told, that share bytes, or that were
/// transformed, e.g. compressed, are errors.
absl::StatusOr<std::vector<DistributedTensor>>
readDistributedMetadata(std::span<const std::byte> bytes, const std::string &place);

} // namespace strata
