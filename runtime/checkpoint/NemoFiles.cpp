//===- NemoFiles.cpp - the files of a NeMo model --------------------------===//
#include "runtime/checkpoint/NemoFiles.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"

#include <algorithm>
#include <filesystem>

namespace strata {

namespace fs = std::filesystem;

namespace {
constexpr int kMaxDepth = 3;
constexpr size_t kMaxFiles = size_t(1) << 17;
constexpr uint64_t kTarHeaderBytes = 512;
} // namespace

absl::StatusOr<NemoFiles> NemoFiles::ofArchive(const std::string &folder, const std::string &name,
                                               Checkpoint &checkpoint) {
  NemoFiles files(checkpoint);
  files.archive = true;
  files.root = (fs::path(folder) / name).string();
  STRATA_ASSIGN(MappedFile mapping, MappedFile::open(files.root));
  STRATA_ASSIGN(files.members, readTar(mapping.bytes(), files.root));
  for (const auto &[member, place] : files.members)
    files.names_.insert(member);
  checkpoint.addFile(name, std::move(mapping), {});
  return files;
}

absl::StatusOr<NemoFiles> NemoFiles::ofFolder(const std::string &folder, Checkpoint &checkpoint) {
  NemoFiles files(checkpoint);
  files.root = folder;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    if (entry.depth() == kMaxDepth - 1)
      entry.disable_recursion_pending();
    std::error_code ignored;
    if (!entry->is_regular_file(ignored))
      continue;
    if (files.names_.size() == kMaxFiles)
      return absl::InvalidArgumentError(
          absl::StrCat(folder, ": expected at most ", kMaxFiles, " files, found more"));
    files.names_.insert(entry->path().lexically_relative(folder).generic_string());
  }
  if (error)
    return absl::InvalidArgumentError(absl::StrCat(folder, ": ", error.message()));
  return files;
}

std::string NemoFiles::place(const std::string &name) const {
  return archive ? absl::StrCat(root, ": ", printable(name)) : (fs::path(root) / name).string();
}

absl::StatusOr<NemoFile> NemoFiles::open(const std::string &name) {
  if (!names_.contains(name))
    return absl::InvalidArgumentError(absl::StrCat(place(name), ": missing"));
  if (const auto found = opened.find(name); found != opened.end())
    return found->second;
  if (!archive) {
    STRATA_ASSIGN(MappedFile mapping, MappedFile::open(place(name)));
    const auto bytes = mapping.bytes();
    return opened[name] = {bytes, checkpoint->addFile(name, std::move(mapping), {}), 0};
  }
  const TarMember &member = members.at(name);
  const auto bytes = checkpoint->files()[0].bytes;
  checkpoint->addHeader(0, bytes.subspan(member.header, kTarHeaderBytes));
  return opened[name] = {bytes.subspan(member.offset, member.size), 0, member.offset};
}

absl::StatusOr<std::string> NemoFiles::readText(const std::string &name, uint64_t maxBytes) const {
  if (!names_.contains(name))
    return absl::InvalidArgumentError(absl::StrCat(place(name), ": missing"));
  if (!archive)
    return readFile(place(name), maxBytes);
  const TarMember &member = members.at(name);
  if (member.size > maxBytes)
    return absl::InvalidArgumentError(absl::StrCat(place(name), ": file has ", member.size,
                                                   " bytes, expected at most ", maxBytes));
  const auto bytes = checkpoint->files()[0].bytes.subspan(member.offset, member.size);
  return std::string(ByteReader::asText(bytes));
}

} // namespace strata
