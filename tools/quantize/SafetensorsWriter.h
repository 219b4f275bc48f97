//===- SafetensorsWriter.h - checkpoints, written in place ------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "tools/quantize/OutputFolder.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// A tensor that is going to be written.
struct StoredTensor {
  std::string key;
  DType dtype;
  std::vector<uint64_t> shape;
};

/// model.safetensors, or, where that would be too large, its shards and their index. Space for all
/// of it is taken first, so that a disk that is too small is found at once; then tensors are
/// filled, in any order, from any thread. Move-only.
class SafetensorsWriter {
public:
  /// Shards hold tensors in their order, as many as go into `shardBytes`, at least one. `folder`
  /// must outlive the writer.
  static absl::StatusOr<SafetensorsWriter>
  create(const OutputFolder &folder, std::vector<StoredTensor> tensors, uint64_t shardBytes);
  SafetensorsWriter(SafetensorsWriter &&other) = default;
  ~SafetensorsWriter();

  /// Some bytes of tensors[tensor], `offset` bytes behind its first.
  absl::Status write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes) const;
  /// The index, where there are shards; then everything is on the disk and closed.
  absl::Status finish();

  /// Of the tensors alone.
  uint64_t bytes() const;

private:
  /// A file, and where in it tensors begin.
  struct Shard {
    std::string name;
    size_t first, count; // tensors
    uint64_t size = 0;   // bytes, with the header
    int file = -1;
  };
  struct Place {
    size_t shard;
    uint64_t offset; // in the file
  };

  explicit SafetensorsWriter(const OutputFolder &folder, std::vector<StoredTensor> tensors)
      : folder(&folder), tensors(std::move(tensors)) {}
  void splitIntoShards(uint64_t shardBytes);
  absl::Status open(size_t shard);
  std::string layOut(size_t shard);
  absl::Status writeIndex() const;

  const OutputFolder *folder;
  std::vector<StoredTensor> tensors;
  std::vector<Place> places; // of tensors
  std::vector<Shard> shards;
};

} // namespace strata
