//===- Package.h - model.strata, opened and verified ------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/base/Checked.h"
#include "runtime/base/Flatbuffers.h"
#include "runtime/base/MappedFile.h"
#include "runtime/package/BlockSize.h"
#include "runtime/package/Box.h"
#include "runtime/package/Package_generated.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// Everything Package::open checks, on the bytes of a whole file: header, hashes, and every index,
/// range and size of the manifest. `bytes` start at a multiple of 8. The errors do not name the
/// file. The compiler's writer calls it too, so that what is written can be read.
absl::Status verifyPackage(std::span<const std::byte> bytes);

/// A code object and the program it belongs to.
struct SelectedCode {
  const package::Program *program;
  const package::CodeObject *code;
};

/// A compiled model. Owns the mapping of its file; the manifest and the sections point into it.
/// Immutable, so safe to share between threads; everything made from it must not outlive it.
class Package {
public:
  /// Maps and verifies the file. Errors name the file, the field, what was expected and found.
  static absl::StatusOr<Package> open(const std::string &path);

  const std::string &path() const { return name; }
  uint64_t size() const { return bytes().size(); }
  /// The whole file.
  std::span<const std::byte> bytes() const { return file.bytes(); }
  const package::Manifest &manifest() const { return *root; }
  const package::Model &model() const { return *root->model(); }

  /// The bytes of sections[index], index < number of sections.
  std::span<const std::byte> section(uint32_t index) const;
  std::optional<std::span<const std::byte>> findSection(const std::string &name) const;
  /// The code objects of all programs for a device kind ("cpu"), in the package's order; at least
  /// one. The error names the kinds there are.
  absl::StatusOr<std::vector<SelectedCode>> code(const std::string &device) const;

private:
  Package(std::string path, MappedFile file);

  std::string name;
  MappedFile file;
  const package::Manifest *root;
};

/// How many elements take how many bytes: one, or a block of quantized weights.
BlockSize blockSize(package::DType dtype);
/// Bytes of one element, of types that have no blocks: those of results and tensor maps.
uint64_t elementBytes(package::DType dtype);
/// Where a parameter's rows lie.
Box boxOf(const package::Parameter &parameter);
/// Bytes from a parameter's first element to the end of its last, those of others between its rows
/// included; empty if that does not fit 64 bits or is no whole number of blocks.
std::optional<uint64_t> checkedBytes(const package::Parameter &parameter);
/// The same for a verified parameter.
uint64_t parameterBytes(const package::Parameter &parameter);

} // namespace strata
