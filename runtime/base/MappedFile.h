//===- MappedFile.h - the bytes of a file -----------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace strata {

/// A regular file, mapped read-only and private. Move-only; the mapping and every span into it
/// live as long as the object, wherever it is moved to.
///
/// A file that somebody shortens afterwards raises SIGBUS when the lost pages are touched: compare
/// sizes with `size()` before touching anything.
class MappedFile {
public:
  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  /// Follows symbolic links. Directories, pipes and devices are refused, without waiting for them.
  /// Errors name `path`.
  static absl::StatusOr<MappedFile> open(const std::string &path);

  /// Page-aligned; empty for an empty file.
  std::span<const std::byte> bytes() const { return contents; }
  /// Bytes, as fstat told when the file was opened.
  uint64_t size() const { return contents.size(); }
  const std::string &path() const { return name; }

private:
  std::string name;
  std::span<const std::byte> contents;
};

/// The contents of a small regular file, for readers that want a string of their own. The same
/// files are refused as by MappedFile::open, and those of more than `maxBytes`.
absl::StatusOr<std::string> readFile(const std::string &path, uint64_t maxBytes);

} // namespace strata
