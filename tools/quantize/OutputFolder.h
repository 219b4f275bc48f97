//===- OutputFolder.h - all of a folder, or nothing -------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace strata {

/// A folder that appears under its name when it is complete. Until then its files are in a folder
/// beside it, which is removed if it is never finished. Move-only.
class OutputFolder {
public:
  /// An error if `path` is there and is no empty folder, or if none can be made beside it.
  static absl::StatusOr<OutputFolder> create(const std::string &path);
  OutputFolder(OutputFolder &&other) noexcept;
  ~OutputFolder();

  /// Where files are written until the folder is finished.
  const std::string &place() const { return temporary; }
  /// What errors call the file `name`: where it is going to be.
  std::string nameOf(std::string_view name) const;

  /// A whole file.
  absl::Status write(std::string_view name, std::span<const std::byte> bytes) const;
  /// Gives the folder its name, which must still be free. Its files must be closed.
  absl::Status finish();

private:
  OutputFolder(std::string path, std::string temporary)
      : path(std::move(path)), temporary(std::move(temporary)) {}

  std::string path;
  std::string temporary; // empty: finished, or moved from
};

/// `NAME: cannot ACTION: REASON` of an errno.
absl::Status cannot(std::string_view action, const std::string &name, int code);

/// All of `bytes` at `offset` of an open file; the errno, or 0.
int writeAt(int file, uint64_t offset, std::span<const std::byte> bytes);

} // namespace strata
