//===- Weights.cpp - weights as the package names them --------------------===//

#include "runtime/package/Weights.h"

#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"
#include "runtime/package/HeaderHash.h"

#include <filesystem>
#include <optional>

namespace strata {
namespace {

namespace fs = std::filesystem;

absl::Status changed(const MappedFile &file, const char *what, const std::string &expected,
                     const std::string &found) {
  return absl::FailedPreconditionError(absl::StrCat(file.path(), ": ", what, ": expected ",
                                                    expected, " as when compiled, found ", found,
                                                    "; compile the model again"));
}

absl::Status verifyUnchanged(const MappedFile &file, const package::CheckpointFile &expected) {
  if (file.size() != expected.size())
    return changed(file, "size", absl::StrCat(expected.size(), " bytes"),
                   absl::StrCat(file.size()));
  std::vector<std::span<const std::byte>> header;
  for (const package::ByteRange *range : itemsOf(expected.header()))
    header.push_back(file.bytes().subspan(range->offset(), range->size()));
  if (hashHeader(header) != HeaderHash{expected.header_hash_low(), expected.header_hash_high()})
    return changed(file, "header", "the same tensors", "others");
  return absl::OkStatus();
}

// Where the file may lie: where it was, or beside the package if both were moved; or beside what
// the package's name is a link to.
std::vector<fs::path> placesOf(const Package &package, const package::CheckpointFile &file) {
  const std::string name = textOf(file.name()), folder = textOf(package.manifest().weights_dir());
  std::vector<fs::path> places;
  if (!folder.empty())
    places.push_back(fs::path(folder) / name);
  places.push_back(fs::path(package.path()).parent_path() / name);
  std::error_code error;
  if (const fs::path target = fs::canonical(package.path(), error); !error)
    places.push_back(target.parent_path() / name);
  return places;
}

absl::StatusOr<MappedFile> openFile(const Package &package, const package::CheckpointFile &file) {
  std::error_code error;
  for (const fs::path &path : placesOf(package, file))
    if (fs::exists(path, error)) {
      STRATA_ASSIGN(MappedFile mapped, MappedFile::open(path.string()));
      STRATA_TRY(verifyUnchanged(mapped, file));
      return mapped;
    }
  return absl::NotFoundError(absl::StrCat(
      package.path(), ": weights: expected ", textOf(file.name()), " in ",
      textOf(package.manifest().weights_dir()),
      " or beside the package; found none; name the checkpoint's folder with --weights"));
}

absl::Status unbound(const Package &package, const package::Parameter &parameter) {
  return absl::FailedPreconditionError(absl::StrCat(
      package.path(), ": ", textOf(parameter.key()), ": the package was compiled without ",
      "weights; pass --weights DIR, or --random-weights to measure speed"));
}

bool usesFile(const Package &package, uint32_t file) {
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters()))
    if (parameter->storage() == package::Storage::file && parameter->file() == file)
      return true;
  return false;
}

} // namespace

absl::StatusOr<Weights> Weights::fromPackage(const Package &package) {
  const package::Manifest &manifest = package.manifest();
  for (const package::Parameter *parameter : itemsOf(manifest.parameters()))
    if (parameter->storage() == package::Storage::unbound)
      return unbound(package, *parameter);
  auto files = std::make_shared<std::vector<MappedFile>>(count(manifest.files()));
  for (uint32_t i = 0; i < files->size(); ++i)
    if (usesFile(package, i)) {
      STRATA_ASSIGN((*files)[i], openFile(package, *manifest.files()->Get(i)));
    }
  Parameters spans;
  for (const package::Parameter *parameter : itemsOf(manifest.parameters())) {
    std::span<const std::byte> bytes = parameter->storage() == package::Storage::file
                                           ? (*files)[parameter->file()].bytes()
                                           : *package.findSection("weights");
    spans.push_back(bytes.subspan(parameter->offset(), parameterBytes(*parameter)));
  }
  return Weights(std::move(spans), std::move(files));
}

Weights Weights::random(const Package &package, uint64_t seed) {
  Parameters spans;
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters()))
    spans.emplace_back(static_cast<const std::byte *>(nullptr), parameterBytes(*parameter));
  Weights weights(std::move(spans), nullptr);
  weights.toBeMade = seed;
  return weights;
}

uint64_t Weights::bytes() const {
  uint64_t sum = 0;
  for (std::span<const std::byte> parameter : spans)
    sum += parameter.size();
  return sum;
}

} // namespace strata
