//===- OpenCheckpoint.cpp - which format a folder holds --------------------===//

#include "runtime/Checkpoint.h"
#include "runtime/Quote.h"
#include "runtime/Status.h"
#include "runtime/formats/PyTorch.h"
#include "runtime/formats/Safetensors.h"
#include "runtime/formats/ShardIndex.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace strata {
namespace {

namespace fs = std::filesystem;

/// What begins to read a checkpoint, the one to prefer first. `read` takes the folder and the name.
struct Entrance {
  std::string_view name;
  absl::Status (*read)(const std::string &, const std::string &, Checkpoint &);
};

absl::Status readSafetensorsShards(const std::string &folder, const std::string &name,
                                   Checkpoint &checkpoint) {
  return readShards(folder, name, readSafetensors, checkpoint);
}
absl::Status readPyTorchShards(const std::string &folder, const std::string &name,
                               Checkpoint &checkpoint) {
  return readShards(folder, name, readPyTorch, checkpoint);
}

constexpr Entrance kEntrances[] = {
    {"model.safetensors", readSafetensors},
    {"model.safetensors.index.json", readSafetensorsShards},
    {"pytorch_model.bin", readPyTorch},
    {"pytorch_model.bin.index.json", readPyTorchShards},
};

/// Weights that we know but do not read; `suffix` is how the file's name ends.
constexpr struct {
  std::string_view suffix, format;
} kOtherFormats[] = {
    {".nemo", "a NeMo archive"},
    {".gguf", "a GGUF file"},
    {".bin", "a PyTorch checkpoint of another name"},
    {".pt", "a PyTorch checkpoint of another name"},
    {".pth", "a PyTorch checkpoint of another name"},
    {".safetensors", "a safetensors file of another name"},
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

/// Says what the folder holds instead of weights that are read.
absl::Status noCheckpoint(const std::string &folder, const std::vector<std::string> &names) {
  std::string expected = "; expected";
  for (const Entrance &entrance : kEntrances)
    absl::StrAppend(&expected, &entrance == kEntrances ? " " : " or ", std::string(entrance.name));
  for (const auto &[suffix, format] : kOtherFormats)
    for (const std::string &name : names)
      if (std::string_view(name).ends_with(suffix))
        return absl::UnimplementedError(absl::StrCat(folder, ": found ", shown(name), ", ",
                                                     std::string(format),
                                                     ", which is not supported", expected));
  return absl::NotFoundError(absl::StrCat(folder, ": no weights in this folder", expected));
}

} // namespace

absl::StatusOr<Checkpoint> openCheckpoint(const std::string &folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found)
    return absl::NotFoundError(absl::StrCat(folder, ": no such folder"));
  if (status.type() != fs::file_type::directory)
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected a folder", error ? ": " + error.message() : ""));

  const std::vector<std::string> names = listFolder(folder);
  for (const auto &[name, read] : kEntrances) {
    if (!std::ranges::binary_search(names, name))
      continue;
    Checkpoint checkpoint;
    STRATA_TRY(read(folder, std::string(name), checkpoint));
    return checkpoint;
  }
  return noCheckpoint(folder, names);
}

} // namespace strata
