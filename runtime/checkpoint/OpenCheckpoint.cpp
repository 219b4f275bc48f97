//===- OpenCheckpoint.cpp - which format a folder holds -------------------===//

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Gguf.h"
#include "runtime/checkpoint/HubCache.h"
#include "runtime/checkpoint/Nemo.h"
#include "runtime/checkpoint/PyTorch.h"
#include "runtime/checkpoint/Safetensors.h"
#include "runtime/checkpoint/ShardIndex.h"
#include "runtime/checkpoint/ShardName.h"

#include "absl/strings/str_join.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace strata {
namespace {

namespace fs = std::filesystem;

using Read = absl::Status (*)(const std::string &folder, const std::string &name, Checkpoint &);

/// A file by which reading begins.
struct FileFormat {
  std::string_view name; // with a '.' in front: how any name ends, of one file in the folder; with
                         // a '/' in it: of a file in a folder in that
  Read read;
};

absl::Status readSafetensorsShards(const std::string &folder, const std::string &name,
                                   Checkpoint &checkpoint) {
  return readShards(folder, name, readSafetensors, checkpoint);
}
absl::Status readPyTorchShards(const std::string &folder, const std::string &name,
                               Checkpoint &checkpoint) {
  return readShards(folder, name, readPyTorch, checkpoint);
}

constexpr std::string_view kNemo2 = "context/model.yaml";

/// The one to prefer first.
constexpr FileFormat kFileFormats[] = {
    {"model.safetensors", readSafetensors},
    {"model.safetensors.index.json", readSafetensorsShards},
    {"pytorch_model.bin", readPyTorch},
    {"pytorch_model.bin.index.json", readPyTorchShards},
    {".gguf", readGguf},
    {"model_config.yaml", readNemo},
    {kNemo2, readNemo2},
    {".nemo", readNemo},
};

/// Files of tensors that are no model by themselves.
constexpr FileFormat kTensorFiles[] = {{".safetensors", readSafetensors}, {".bin", readPyTorch}};

bool isOfFormat(std::string_view name, const FileFormat &format) {
  return format.name.starts_with('.') ? name.ends_with(format.name) : name == format.name;
}

/// Weights that we know but do not read; `suffix` is how the file's name ends.
constexpr struct {
  std::string_view suffix, format;
} kOtherFormats[] = {
    {".bin", "a PyTorch checkpoint of another name"},
    {".pt", "a PyTorch checkpoint of another name"},
    {".pth", "a PyTorch checkpoint of another name"},
    {".safetensors", "a safetensors file of another name"},
};

/// Files that change what a model says, by how their names begin, and are not read.
constexpr struct {
  std::string_view prefix, what;
} kUnread[] = {
    {"adapter_config.json", "an adapter (LoRA), which is not applied; merge it into the weights"},
    {"adapter_model.", "an adapter (LoRA), which is not applied; merge it into the weights"},
    {"pytorch_lora_weights.", "an adapter (LoRA), which is not applied; merge it into the weights"},
    {"non_lora_trainables.", "weights trained beside an adapter, which are not applied"},
    {"modeling_", "code of the model's own, which is never run"},
    {"quantize_config.json", "settings of a quantization, which are not read"},
    {"hf_quant_config.json", "settings of a quantization, which are not read"},
    {"value_head.", "the weights of another head, which are not read"},
};

/// The names in `folder`, sorted; those that cannot be read are left out.
std::vector<std::string> listFolder(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool contains(const std::vector<std::string> &names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// What a folder without weights is that people take for a model; empty: nothing we know.
std::string describeOther(const std::vector<std::string> &names) {
  for (const std::string &name : names)
    if (name.starts_with("adapter_model.") || name == "adapter_config.json")
      return absl::StrCat("found ", printable(name),
                          ", an adapter (LoRA) without its base model; merge ",
                          "the two, e.g. with merge_and_unload() of peft");
  if (contains(names, "context") && contains(names, "weights"))
    return absl::StrCat("found context and weights, a checkpoint of NeMo 2, without ",
                        std::string(kNemo2));
  return "";
}

/// Says what the folder holds instead of weights that are read.
absl::Status noCheckpoint(const std::string &folder, const std::vector<std::string> &names) {
  std::string expected = "; expected";
  for (const FileFormat &format : kFileFormats)
    absl::StrAppend(&expected, &format == kFileFormats ? " " : " or ",
                    format.name.starts_with('.') ? "a " : "", std::string(format.name));
  if (const std::string other = describeOther(names); !other.empty())
    return absl::UnimplementedError(absl::StrCat(folder, ": ", other));
  for (const auto &[suffix, format] : kOtherFormats)
    for (const std::string &name : names)
      if (std::string_view(name).ends_with(suffix))
        return absl::UnimplementedError(absl::StrCat(folder, ": found ", printable(name), ", ",
                                                     std::string(format),
                                                     ", which is not supported", expected));
  return absl::NotFoundError(absl::StrCat(folder, ": no weights in this folder", expected));
}

/// Notes what lies beside the weights and could change what they say.
void noteUnread(const std::string &folder, const std::vector<std::string> &names,
                Checkpoint &checkpoint) {
  for (const std::string &name : names)
    for (const auto &[prefix, what] : kUnread)
      if (name.starts_with(prefix))
        checkpoint.addNote(
            absl::StrCat(folder, ": found ", printable(name), ", ", std::string(what)));
}

//===----------------------------------------------------------------------===//
// Shards without an index
//===----------------------------------------------------------------------===//

/// The shards of one model, in their order, if nothing but their index is missing; empty if there
/// are none.
absl::StatusOr<std::vector<std::string>> findShards(const std::string &folder,
                                                    const std::vector<std::string> &names) {
  std::vector<std::string> shards;
  std::optional<ShardName> first;
  for (const std::string &name : names) {
    const std::optional<ShardName> shard = parseShardName(name);
    if (!shard || (shard->after != ".safetensors" && shard->after != ".bin") ||
        (first && (shard->before != first->before || shard->after != first->after)))
      continue;
    first = first ? first : shard;
    if (shard->number != shards.size() + 1 || shard->count != first->count)
      return absl::InvalidArgumentError(absl::StrCat(
          folder, ": expected shard ", shards.size() + 1, " of ", first->count, ", found ",
          printable(name), "; the others, and the index of all, are missing"));
    shards.push_back(name);
  }
  if (first && shards.size() != first->count)
    return absl::InvalidArgumentError(absl::StrCat(folder, ": expected ", first->count,
                                                   " shards like ", printable(shards[0]),
                                                   ", found ", shards.size()));
  return shards;
}

absl::Status readAllShards(const std::string &folder, const std::vector<std::string> &shards,
                           Checkpoint &checkpoint) {
  const Read read = shards[0].ends_with(".bin") ? readPyTorch : readSafetensors;
  for (const std::string &shard : shards)
    STRATA_TRY(read(folder, shard, checkpoint));
  checkpoint.setCatalogue(folder);
  checkpoint.addNote(absl::StrCat(folder, ": reads ", shards.size(), " shards without an index"));
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Names of tensors
//===----------------------------------------------------------------------===//

/// A model that was saved without its head has keys without "model.": as transformers does, they
/// are read as if they had it.
void addBaseModelPrefix(Checkpoint &checkpoint) {
  constexpr std::string_view kParts[] = {"embed_tokens.", "layers.", "norm."};
  const auto isPart = [&](std::string_view key) {
    return std::ranges::any_of(kParts,
                               [&](std::string_view part) { return key.starts_with(part); });
  };
  for (const auto &[key, tensor] : checkpoint.tensors())
    if (key.starts_with("model."))
      return;
  checkpoint.renameTensors([&](std::string_view key) {
    return absl::StrCat(isPart(key) ? "model." : "", std::string(key));
  });
}

/// Whether a file is one of several of a GGUF model, and another stands before it.
bool isLaterPart(const std::string &name, const std::vector<std::string> &names) {
  const std::optional<ShardName> part = parseShardName(name);
  return part && part->after == ".gguf" && std::ranges::any_of(names, [&](const auto &other) {
           const std::optional<ShardName> earlier = parseShardName(other);
           return earlier && earlier->isOfSameModel(*part) && earlier->number < part->number;
         });
}

/// What is found by which reading may begin, the one to prefer first.
std::vector<std::pair<std::string, Read>> findFormats(const std::string &folder,
                                                      const std::vector<std::string> &names) {
  std::vector<std::pair<std::string, Read>> found;
  std::error_code ignored;
  for (const FileFormat &format : kFileFormats) {
    if (format.name.find('/') != format.name.npos &&
        fs::exists(fs::path(folder) / format.name, ignored))
      found.emplace_back(format.name, format.read);
    for (const std::string &name : names)
      if (isOfFormat(name, format) && !isLaterPart(name, names))
        found.emplace_back(name, format.read);
  }
  return found;
}

absl::StatusOr<Checkpoint> openFolder(const std::string &folder) {
  const std::vector<std::string> names = listFolder(folder);
  const auto formats = findFormats(folder, names);
  Checkpoint checkpoint;
  noteUnread(folder, names, checkpoint);
  if (formats.empty()) {
    STRATA_ASSIGN(const std::vector<std::string> shards, findShards(folder, names));
    if (shards.empty())
      return noCheckpoint(folder, names);
    STRATA_TRY(readAllShards(folder, shards, checkpoint));
    addBaseModelPrefix(checkpoint);
    return checkpoint;
  }
  const auto &[first, read] = formats.front();
  std::vector<std::string> others;
  for (const auto &[name, other] : std::span(formats).subspan(1)) {
    if (other == read)
      return absl::InvalidArgumentError(absl::StrCat(folder, ": found ", printable(first), " and ",
                                                     printable(name), "; name one of them"));
    others.push_back(printable(name));
  }
  if (!others.empty())
    checkpoint.addNote(
        absl::StrCat(folder, ": reads ", printable(first), ", not ", absl::StrJoin(others, ", ")));
  STRATA_TRY(read(folder, first, checkpoint));
  addBaseModelPrefix(checkpoint);
  return checkpoint;
}

/// The first of `formats` that takes a file of this name by how it ends; null: none.
const FileFormat *findByEnding(std::string_view name, std::span<const FileFormat> formats) {
  for (const FileFormat &format : formats)
    if (format.name.starts_with('.') && isOfFormat(name, format))
      return &format;
  return nullptr;
}

/// What a file is that has lost its ending, or null.
const FileFormat *findByContents(const std::string &path) {
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF" ? findByEnding(".gguf", kFileFormats)
                                                         : nullptr;
}

absl::StatusOr<Checkpoint> openFile(const std::string &path, std::span<const FileFormat> formats,
                                    const char *expected) {
  const std::string name = fs::path(path).filename().string();
  const FileFormat *format = findByEnding(name, formats);
  if (!format && formats.data() == kFileFormats)
    format = findByContents(path);
  if (!format)
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected ", expected));
  Checkpoint checkpoint;
  STRATA_TRY(format->read(checkpointFolder(path), name, checkpoint));
  return checkpoint;
}

} // namespace

absl::StatusOr<Checkpoint> openCheckpoint(const std::string &path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return absl::NotFoundError(absl::StrCat(path, ": no such file or folder"));
  if (status.type() == fs::file_type::directory)
    return openFolder(checkpointFolder(path));
  return openFile(path, kFileFormats, "a folder, a .gguf or a .nemo file");
}

bool isCheckpointFile(const std::string &path) {
  std::error_code ignored;
  return findByEnding(fs::path(path).filename().string(), kFileFormats) != nullptr ||
         (fs::is_regular_file(path, ignored) && findByContents(path));
}

bool isTensorFile(const std::string &path) {
  return findByEnding(fs::path(path).filename().string(), kTensorFiles) != nullptr;
}

absl::StatusOr<Checkpoint> openTensorFile(const std::string &path) {
  return openFile(path, kTensorFiles, "a .safetensors or a .bin file");
}

std::string checkpointFolder(const std::string &path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return hubSnapshot(path).value_or(path);
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string textFolder(const std::string &path, const Checkpoint *checkpoint) {
  const bool named = checkpoint && !checkpoint->textFolder().empty();
  return named ? checkpoint->textFolder() : checkpointFolder(path);
}

} // namespace strata
