//===- ShardIndex.cpp - checkpoints of several files ----------------------===//
//
// {"metadata": ..., "weight_map": {KEY: SHARD, ...}}
//
// As in transformers, all tensors of all shards count. Where the index and they disagree, it
// matters only for what a model needs: buffers and parts of other models are often listed and not
// saved, or saved and not listed. Of a tensor that is in two shards, the index tells which.
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

absl::Status readShards(const std::string &folder, const std::string &index, ReadShard readShard,
                        Checkpoint &checkpoint) {
  const std::string path = (std::filesystem::path(folder) / index).string();
  JsonDocument::Notes notes;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parseFile(path, kMaxIndexBytes, &notes));
  STRATA_ASSIGN(const JsonObject root, document.object());
  STRATA_ASSIGN(const JsonObject weightMap, root.object("weight_map"));

  std::set<std::string> shards;
  const std::vector<JsonMember> members = weightMap.members();
  for (const JsonMember &member : members) {
    STRATA_ASSIGN(const std::string_view shard, member.value.string());
    STRATA_TRY(checkShardName(member.value, shard));
    shards.emplace(shard);
    checkpoint.expectAt(member.key, shard);
  }
  for (const std::string &shard : shards)
    STRATA_TRY(readShard(folder, shard, checkpoint));

  for (const JsonMember &member : members)
    if (!checkpoint.find(member.key))
      checkpoint.setMissing(std::string(member.key),
                            absl::StrCat("not in ", printable(*member.value.string()),
                                         ", which is to hold it by weight_map"));
  checkpoint.setCatalogue(path);
  for (std::string &note : notes)
    checkpoint.addNote(std::move(note));
  return absl::OkStatus();
}

} // namespace strata
