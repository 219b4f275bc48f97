//===- PackageVerify.cpp - is this file what it says? ---------------------===//
//
// The header, the hashes and the layout of the file. PackageIndices.cpp checks the manifest's
// contents.
//
//===----------------------------------------------------------------------===//

#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"
#include "runtime/package/Package.h"
#include "runtime/package/PackageFormat.h"
#include "runtime/package/PackageIndices.h"

#define XXH_STATIC_LINKING_ONLY // XXH3_*
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace strata {
namespace {

using Bytes = std::span<const std::byte>;

template <typename... Parts>
absl::Status damaged(const Parts &...parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

// Magic and version come before the hash: another version may hash other bytes.
absl::Status verifyVersion(const PackageHeader &header) {
  if (memcmp(header.magic, kPackageMagic, sizeof header.magic) != 0)
    return absl::InvalidArgumentError("magic: not a package of strata-compile");
  if (header.major != kPackageMajor || header.minor > kPackageMinor)
    return absl::FailedPreconditionError(absl::StrCat(
        "format version: expected ", kPackageMajor, ".0 to ", kPackageMajor, ".", kPackageMinor,
        ", found ", header.major, ".", header.minor, "; compile the model again"));
  return absl::OkStatus();
}

absl::StatusOr<PackageHeader> verifyHeader(Bytes bytes) {
  PackageHeader header;
  if (bytes.size() < sizeof header)
    return damaged("header: expected ", sizeof header, " bytes, found ", bytes.size());
  memcpy(&header, bytes.data(), sizeof header);
  STRATA_TRY(verifyVersion(header));
  uint64_t hash = XXH3_64bits(&header, offsetof(PackageHeader, headerHash));
  if (hash != header.headerHash)
    return damaged("header: damaged: its hash is not the one it names");
  if (header.fileSize != bytes.size())
    return damaged("file size: expected ", header.fileSize, " bytes, found ", bytes.size());
  if (header.manifestOffset != sizeof header)
    return damaged("manifest offset: expected ", sizeof header, ", found ", header.manifestOffset);
  if (header.manifestSize > bytes.size() - sizeof header)
    return damaged("manifest size: expected at most ", bytes.size() - sizeof header, ", found ",
                   header.manifestSize);
  return header;
}

absl::Status verifyHash(Bytes bytes, uint64_t low, uint64_t high) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return hash.low64 == low && hash.high64 == high
             ? absl::OkStatus()
             : damaged("damaged: the hash of its ", bytes.size(), " bytes is not the one named");
}

absl::Status verifyTables(Bytes manifest) {
  constexpr int depth = 64, tables = 1000000;
  if (manifest.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return damaged("manifest: expected less than 2 GiB, found ", manifest.size(), " bytes");
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(manifest.data()),
                                 manifest.size(), depth, tables);
  if (!verifier.VerifyBuffer<package::Manifest>(nullptr))
    return damaged("manifest: not a valid FlatBuffers table");
  return absl::OkStatus();
}

absl::Status verifyPadding(Bytes bytes, uint64_t begin, uint64_t end) {
  for (uint64_t i = begin; i < end; ++i)
    if (bytes[i] != std::byte(0))
      return damaged("padding: expected zero at byte ", i, ", found ", int(bytes[i]));
  return absl::OkStatus();
}

std::string nameOf(const package::Section &section) {
  return absl::StrCat("section ", textOf(section.name()));
}

// The section lies in the file behind `end`, the end of what stands before it.
absl::Status verifyPlace(const package::Section &section, uint64_t end, uint64_t fileSize) {
  if (section.size() == 0)
    return damaged("size: expected at least 1, found 0");
  if (section.offset() % kSectionAlignment != 0)
    return damaged("offset: expected a multiple of ", kSectionAlignment, ", found ",
                   section.offset());
  if (section.offset() < end)
    return damaged("offset: expected at least ", end, ", found ", section.offset());
  if (section.offset() > fileSize || section.size() > fileSize - section.offset())
    return damaged("end: expected at most ", fileSize, ", found offset ", section.offset(),
                   " and size ", section.size());
  return absl::OkStatus();
}

// All sections lie one behind the other, behind `end` and to the end of the file.
absl::Status verifyPlaces(const package::Manifest &manifest, uint64_t end, uint64_t fileSize) {
  for (const package::Section *section : itemsOf(manifest.sections())) {
    STRATA_TRY(annotate(verifyPlace(*section, end, fileSize), nameOf(*section)));
    end = section->offset() + section->size();
  }
  if (fileSize - end >= kSectionAlignment)
    return damaged("file size: expected the last section to end it, found ", fileSize - end,
                   " bytes behind");
  return absl::OkStatus();
}

// Every byte behind the manifest is a section's, and hashed, or zero.
absl::Status verifySections(Bytes bytes, const package::Manifest &manifest, uint64_t end) {
  for (const package::Section *section : itemsOf(manifest.sections())) {
    STRATA_TRY(verifyPadding(bytes, end, section->offset()));
    Bytes contents = bytes.subspan(section->offset(), section->size());
    STRATA_TRY(annotate(verifyHash(contents, section->hash_low(), section->hash_high()),
                        nameOf(*section)));
    end = section->offset() + section->size();
  }
  return verifyPadding(bytes, end, bytes.size());
}

} // namespace

absl::Status verifyPackage(Bytes bytes) {
  STRATA_ASSIGN(PackageHeader header, verifyHeader(bytes));
  Bytes tables = bytes.subspan(header.manifestOffset, header.manifestSize);
  STRATA_TRY(
      annotate(verifyHash(tables, header.manifestHash[0], header.manifestHash[1]), "manifest"));
  STRATA_TRY(verifyTables(tables));
  const auto &manifest = *flatbuffers::GetRoot<package::Manifest>(tables.data());
  STRATA_TRY(verifyIndices(manifest));
  uint64_t end = header.manifestOffset + header.manifestSize;
  STRATA_TRY(verifyPlaces(manifest, end, bytes.size()));
  return verifySections(bytes, manifest, end);
}

} // namespace strata
