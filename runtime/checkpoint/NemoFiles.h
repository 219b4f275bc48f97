//===- NemoFiles.h - the files of a NeMo model ------------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/TarArchive.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// Where the bytes of one of them lie.
struct NemoFile {
  std::span<const std::byte> bytes;
  uint32_t file;   // index into Checkpoint::files()
  uint64_t offset; // bytes from the start of that file
};

/// The files of a .nemo archive, or of a folder that one was unpacked into. What is opened becomes
/// part of the checkpoint.
class NemoFiles {
public:
  /// The members of `folder`/`name`, a tar archive.
  static absl::StatusOr<NemoFiles> ofArchive(const std::string &folder, const std::string &name,
                                             Checkpoint &checkpoint);
  /// The files in `folder` and in the folders in it, three levels deep.
  static absl::StatusOr<NemoFiles> ofFolder(const std::string &folder, Checkpoint &checkpoint);

  /// Relative to the root, sorted.
  const std::set<std::string> &names() const { return names_; }
  /// Whether they are the members of an archive.
  bool isArchive() const { return archive; }
  /// Of the archive or the folder.
  const std::string &path() const { return root; }
  /// What errors call a file.
  std::string place(const std::string &name) const;
  /// Maps a file, once. Of a file in a folder, nothing counts as its header yet.
  absl::StatusOr<NemoFile> open(const std::string &name);
  /// The contents of a small file.
  absl::StatusOr<std::string> readText(const std::string &name, uint64_t maxBytes) const;

private:
  explicit NemoFiles(Checkpoint &checkpoint) : checkpoint(&checkpoint) {}

  Checkpoint *checkpoint;
  std::string root; // path of the archive or the folder
  bool archive = false;
  TarMembers members; // of an archive, which is the checkpoint's first file
  std::set<std::string> names_;
  std::map<std::string, NemoFile, std::less<>> opened;
};

} // namespace strata
