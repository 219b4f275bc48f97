//===- Package.cpp - opens model.strata and verifies it -------------------===//

#include "runtime/package/Package.h"

#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"
#include "runtime/package/PackageFormat.h"

#include <cstring>
#include <set>

namespace strata {
namespace {

const package::Manifest *findManifest(std::span<const std::byte> bytes) {
  PackageHeader header;
  memcpy(&header, bytes.data(), sizeof header);
  return flatbuffers::GetRoot<package::Manifest>(bytes.data() + header.manifestOffset);
}

} // namespace

Package::Package(std::string path, MappedFile mapped)
    : name(std::move(path)), file(std::move(mapped)), root(findManifest(file.bytes())) {}

absl::StatusOr<Package> Package::open(const std::string &path) {
  STRATA_ASSIGN(MappedFile file, MappedFile::open(path));
  STRATA_TRY(annotate(verifyPackage(file.bytes()), path));
  return Package(path, std::move(file));
}

std::span<const std::byte> Package::section(uint32_t index) const {
  const package::Section *section = root->sections()->Get(index);
  return file.bytes().subspan(section->offset(), section->size());
}

std::optional<std::span<const std::byte>> Package::findSection(const std::string &name) const {
  for (uint32_t i = 0; i < count(root->sections()); ++i)
    if (textOf(root->sections()->Get(i)->name()) == name)
      return section(i);
  return std::nullopt;
}

absl::StatusOr<std::vector<SelectedCode>> Package::code(const std::string &device) const {
  std::vector<SelectedCode> found;
  std::set<std::string> devices;
  for (const package::Program *program : itemsOf(root->programs())) {
    devices.insert(textOf(program->device()));
    if (textOf(program->device()) == device)
      for (const package::CodeObject *code : itemsOf(program->code()))
        found.push_back({program, code});
  }
  if (!found.empty())
    return found;
  return absl::NotFoundError(
      absl::StrCat(name, ": device: expected one the package has a program for (",
                   devices.empty() ? "none" : absl::StrJoin(devices, ", "), "), found ", device));
}

BlockSize blockSize(package::DType dtype) {
  constexpr BlockSize kSizes[] = {{1, 2},     {1, 2},     {1, 4},     {1, 4},   {1, 1},
                                  {32, 34},   {32, 18},   {32, 20},   {32, 22}, {32, 24},
                                  {256, 144}, {256, 176}, {256, 210}, {32, 18}, {256, 136}};
  static_assert(std::size(kSizes) == size_t(package::DType::MAX) + 1, "in the order of the types");
  return kSizes[size_t(dtype)];
}

uint64_t elementBytes(package::DType dtype) { return blockSize(dtype).bytes; }

Box boxOf(const package::Parameter &parameter) {
  return {parameter.row_stride(), parameter.group_rows(), parameter.group_stride()};
}

std::optional<uint64_t> checkedBytes(const package::Parameter &parameter) {
  std::vector<uint64_t> shape(itemsOf(parameter.shape()).begin(), itemsOf(parameter.shape()).end());
  return blockSize(parameter.dtype()).bytesOf(boxOf(parameter).span(shape));
}

uint64_t parameterBytes(const package::Parameter &parameter) {
  return checkedBytes(parameter).value();
}

} // namespace strata
