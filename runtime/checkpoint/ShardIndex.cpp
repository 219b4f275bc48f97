//===- ShardIndex.cpp - checkpoints of several files ----------------------===//
//
// {"metadata": ..., "weight_map": {KEY: SHARD, ...}}
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/ShardIndex.h"

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <filesystem>
#include <set>

namespace strata {

static constexpr uint64_t kMaxIndexBytes = uint64_t(64) << 20;
static constexpr size_t kMaxNameBytes = 255;

/// That `name` is one path component. Only the string is judged: in the Hub's cache, shards are
/// symbolic links to files elsewhere, and the user has named the folder.
static absl::Status checkShardName(const JsonValue &value, std::string_view name) {
  constexpr std::string_view kForbidden("/\\\0", 3);
  if (name.empty() || name == "." || name == ".." || name.size() > kMaxNameBytes ||
      name.find_first_of(kForbidden) != std::string_view::npos)
    return value.mismatch("the name of a file in the same folder");
  return absl::OkStatus();
}

/// That `key` lies in the shard that the index names for it, and there only. (Checkpoint refuses
/// tensors that are in two files.)
static absl::Status checkPlace(const JsonMember &member, const Checkpoint &checkpoint) {
  STRATA_ASSIGN(const std::string_view shard, member.value.string());
  const CheckpointTensor *tensor = checkpoint.find(member.key);
  if (!tensor)
    return member.value.error(absl::StrCat("not in ", printable(shard), ", which is to hold it"));
  const std::string &actual = checkpoint.files()[tensor->file].name;
  if (actual != shard)
    return member.value.error(
        absl::StrCat("expected in ", printable(shard), ", found in ", printable(actual)));
  return absl::OkStatus();
}

/// That the shards hold nothing but what the index lists; every listed tensor has been found.
static absl::Status checkNothingElse(const JsonObject &weightMap, const Checkpoint &checkpoint) {
  std::set<std::string_view> listed;
  for (const JsonMember &member : weightMap.members())
    listed.insert(member.key);
  for (const auto &[key, tensor] : checkpoint.tensors())
    if (!listed.contains(key))
      return weightMap.error(key, absl::StrCat("missing, but the tensor is in ",
                                               printable(checkpoint.files()[tensor.file].name)));
  return absl::OkStatus();
}

absl::Status readShards(const std::string &folder, const std::string &index, ReadShard readShard,
                        Checkpoint &checkpoint) {
  const std::string path = (std::filesystem::path(folder) / index).string();
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parseFile(path, kMaxIndexBytes));
  STRATA_ASSIGN(const JsonObject root, document.object());
  STRATA_ASSIGN(const JsonObject weightMap, root.object("weight_map"));

  std::set<std::string> shards;
  const std::vector<JsonMember> members = weightMap.members();
  for (const JsonMember &member : members) {
    STRATA_ASSIGN(const std::string_view shard, member.value.string());
    STRATA_TRY(checkShardName(member.value, shard));
    shards.emplace(shard);
  }
  for (const std::string &shard : shards)
    STRATA_TRY(readShard(folder, shard, checkpoint));

  for (const JsonMember &member : members)
    STRATA_TRY(checkPlace(member, checkpoint));
  STRATA_TRY(checkNothingElse(weightMap, checkpoint));
  checkpoint.setCatalogue(path);
  return absl::OkStatus();
}

} // namespace strata
