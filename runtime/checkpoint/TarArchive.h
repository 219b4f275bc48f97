//===- TarArchive.h - the members of a tar file -----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace strata {

/// A regular file in an archive.
struct TarMember {
  uint64_t header; // bytes from the start of the archive to its header, of 512 bytes
  uint64_t offset; // bytes from the start of the archive to its contents
  uint64_t size;   // bytes
};

/// Regular files by name, without "./" in front.
using TarMembers = std::map<std::string, TarMember>;

/// Lists an uncompressed tar archive: ustar, with the long names and sizes of GNU tar and of pax.
/// Folders and links are left out. Errors begin with `place`; contents are not touched.
/// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
absl::StatusOr<TarMembers> readTar(std::span<const std::byte> bytes, const std::string &place);

} // namespace strata
