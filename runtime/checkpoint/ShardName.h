//===- ShardName.h - names of a model's several files -----------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace strata {

/// "model-00002-of-00007.safetensors".
struct ShardName {
  std::string before, after; // "model-", ".safetensors"
  size_t number = 0, count = 0;

  /// The name of another shard of the same model.
  std::string of(size_t other) const;
  bool isOfSameModel(const ShardName &other) const {
    return before == other.before && after == other.after && count == other.count;
  }
};

/// What the name says; empty if it is none of a shard.
std::optional<ShardName> parseShardName(const std::string &name);

} // namespace strata
