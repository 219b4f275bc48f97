//===- ZipArchive.h - the directory of a ZIP file ---------------*- C++ -*-===//
//
// The subset of ZIP that checkpoints use: entries stored as they are, one disk, sizes of 64 bits
// where needed (ZIP64). The central directory is what is believed; each entry's own header must
// agree with it, and no two entries may share a byte.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace strata {

/// Where the contents of an entry lie.
struct ZipEntry {
  uint64_t offset; // bytes from the start of the archive
  uint64_t size;   // bytes
  uint32_t crc;    // CRC-32 of the contents; 0 where the writer left it out
};

/// A ZIP archive in memory that outlives it.
class ZipArchive {
public:
  using Entries = std::map<std::string_view, ZipEntry>;

  /// Reads the directory of `bytes`; errors begin with `place`. Contents are not touched.
  static absl::StatusOr<ZipArchive> open(std::span<const std::byte> bytes, std::string place);

  /// By name; the names point into the archive.
  const Entries &entries() const { return entries_; }
  /// The central directory and what follows it, to the end of the archive.
  std::span<const std::byte> directory() const { return directory_; }

  /// The contents of an entry; an error if they do not match its CRC-32. Entries of more than
  /// `maxBytes` are refused.
  absl::StatusOr<std::span<const std::byte>> contents(std::string_view name,
                                                      uint64_t maxBytes) const;

  /// INVALID_ARGUMENT `PLACE: NAME: MESSAGE`, for checks that are the caller's.
  absl::Status error(std::string_view name, std::string_view message) const;

private:
  std::span<const std::byte> bytes, directory_;
  Entries entries_;
  std::string place;
};

} // namespace strata
