//===- OpenCheckpoint.cpp - which format a folder holds -------------------===//

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Gguf.h"
#include "runtime/checkpoint/Nemo.h"
#include "runtime/checkpoint/PyTorch.h"
#include "runtime/checkpoint/Safetensors.h"
#include "runtime/checkpoint/ShardIndex.h"

#include "absl/strings/str_join.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

namespace strata {
namespace {

namespace fs = std::filesystem;

using Read = absl::Status (*)(const std::string &folder, const std::string &name, Checkpoint &);

/// A file by which reading begins.
struct FileFormat {
  std::string_view name; // with a '.' in front: how any name ends, of one file in the folder
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

/// The one to prefer first.
constexpr FileFormat kFileFormats[] = {
    {"model.safetensors", readSafetensors},
    {"model.safetensors.index.json", readSafetensorsShards},
    {"pytorch_model.bin", readPyTorch},
    {"pytorch_model.bin.index.json", readPyTorchShards},
    {".gguf", readGguf},
    {"model_config.yaml", readNemo},
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
  for (const FileFormat &format : kFileFormats)
    absl::StrAppend(&expected, &format == kFileFormats ? " " : " or ",
                    format.name.starts_with('.') ? "a " : "", std::string(format.name));
  for (const auto &[suffix, format] : kOtherFormats)
    for (const std::string &name : names)
      if (std::string_view(name).ends_with(suffix))
        return absl::UnimplementedError(absl::StrCat(folder, ": found ", printable(name), ", ",
                                                     std::string(format),
                                                     ", which is not supported", expected));
  return absl::NotFoundError(absl::StrCat(folder, ": no weights in this folder", expected));
}

/// What is found by which reading may begin, the one to prefer first.
std::vector<std::pair<std::string, Read>> findFormats(const std::vector<std::string> &names) {
  std::vector<std::pair<std::string, Read>> found;
  for (const FileFormat &format : kFileFormats)
    for (const std::string &name : names)
      if (isOfFormat(name, format))
        found.emplace_back(name, format.read);
  return found;
}

absl::StatusOr<Checkpoint> openFolder(const std::string &folder) {
  const std::vector<std::string> names = listFolder(folder);
  const auto formats = findFormats(names);
  if (formats.empty())
    return noCheckpoint(folder, names);
  const auto &[first, read] = formats.front();
  Checkpoint checkpoint;
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
  return checkpoint;
}

/// The first of `formats` that takes a file of this name by how it ends; null: none.
const FileFormat *findByEnding(std::string_view name, std::span<const FileFormat> formats) {
  for (const FileFormat &format : formats)
    if (format.name.starts_with('.') && isOfFormat(name, format))
      return &format;
  return nullptr;
}

absl::StatusOr<Checkpoint> openFile(const std::string &path, std::span<const FileFormat> formats,
                                    const char *expected) {
  const std::string name = fs::path(path).filename().string();
  const FileFormat *format = findByEnding(name, formats);
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
    return openFolder(path);
  return openFile(path, kFileFormats, "a folder, a .gguf or a .nemo file");
}

bool isCheckpointFile(const std::string &path) {
  return findByEnding(fs::path(path).filename().string(), kFileFormats) != nullptr;
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
    return path;
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

} // namespace strata
