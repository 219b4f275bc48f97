//===- ShardName.cpp - names of a model's several files -------------------===//
#include "runtime/checkpoint/ShardName.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace strata {

std::string ShardName::of(size_t other) const {
  return absl::StrFormat("%s%05d-of-%05d%s", before, other, count, after);
}

std::optional<ShardName> parseShardName(const std::string &name) {
  constexpr size_t kDigits = 5;
  const size_t of = name.rfind("-of-");
  ShardName shard;
  if (of == std::string::npos || of < kDigits || name.size() < of + 4 + kDigits ||
      !absl::SimpleAtoi(name.substr(of - kDigits, kDigits), &shard.number) ||
      !absl::SimpleAtoi(name.substr(of + 4, kDigits), &shard.count))
    return std::nullopt;
  shard.before = name.substr(0, of - kDigits);
  shard.after = name.substr(of + 4 + kDigits);
  return shard;
}

} // namespace strata
