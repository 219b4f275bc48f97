//===- NemoTensors.h - tensors under Megatron Core's keys -------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/NemoConfig.h"

#include "absl/status/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// Gives tensors of a Nemotron model that Megatron Core has named to a checkpoint, under Hugging
/// Face's keys. Distributed checkpoints stack the layers: the key has no number, and the first axis
/// counts them.
class NemoTensors {
public:
  NemoTensors(NemoHeads heads, Checkpoint &checkpoint) : heads(heads), checkpoint(checkpoint) {}

  /// Whether what has this key says nothing of the model: state of transformer engine and of
  /// optimizers, and rotary frequencies, which follow from the configuration.
  static bool isIgnored(std::string_view key);
  /// Whether the first axis of the array counts layers.
  static bool isStacked(std::string_view key);

  /// Adds a tensor; errors begin with `place`. What no Nemotron model has is an error.
  absl::Status add(std::string_view key, CheckpointTensor tensor, const std::string &place);
  /// Adds one layer of an array that isStacked().
  absl::Status addLayer(std::string_view stacked, uint64_t layer, CheckpointTensor tensor,
                        const std::string &place);

private:
  absl::Status addQkv(const std::string &attention, const CheckpointTensor &tensor,
                      const std::string &place);

  NemoHeads heads;
  Checkpoint &checkpoint;
};

} // namespace strata
