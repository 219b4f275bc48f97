//===- ShardIndex.h - checkpoints of several files --------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include <string>

namespace strata {

/// Reads one shard: the file of the second name in the folder of the first.
using ReadShard =
    absl::FunctionRef<absl::Status(const std::string &, const std::string &, Checkpoint &)>;

/// Adds the shards that `folder`/`index` names (a model.safetensors.index.json or a
/// pytorch_model.bin.index.json). Each tensor must lie in exactly the shard that the index names
/// for it, and each shard inside `folder`.
absl::Status readShards(const std::string &folder, const std::string &index, ReadShard readShard,
                        Checkpoint &checkpoint);

} // namespace strata
