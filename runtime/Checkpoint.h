//===- Checkpoint.h - the tensors of a model folder -------------*- C++ -*-===//
//
// What the compiler and the tools know of a checkpoint: keys, shapes and bytes. Which format the
// files have is the business of openCheckpoint and the readers behind it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/MappedFile.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Element types that checkpoints use; the names are those of safetensors in lower case.
enum class DType : uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64,
  c64,
  f4,
  f6_e2m3,
  f6_e3m2
};

/// Bits of one element.
unsigned bitWidth(DType dtype);
/// "bf16", "f8_e4m3"; for people.
std::string_view name(DType dtype);
/// The other way round; empty for names that do not exist.
std::optional<DType> dtypeNamed(std::string_view name);

/// A tensor, row-major, as it lies in its file.
struct CheckpointTensor {
  DType dtype;
  std::vector<uint64_t> shape;      // outermost first; empty for a scalar
  uint32_t file;                    // index into Checkpoint::files()
  uint64_t offset;                  // bytes from the start of the file; any alignment
  std::span<const std::byte> bytes; // into the mapping; shape and dtype account for all of it
};

/// A file that holds tensors.
struct CheckpointFile {
  std::string name;                  // one path component inside the folder
  std::string path;                  // how to open it, and what errors call it
  uint64_t size;                     // bytes
  std::span<const std::byte> header; // the bytes that describe the tensors, from the first on
};

/// The tensors of a model folder. Owns the mappings that tensors and headers point into, so it must
/// outlive them; move-only, and moving it leaves them valid. Reading from several threads is safe.
class Checkpoint {
public:
  using Tensors = std::map<std::string, CheckpointTensor, std::less<>>;

  /// In the order of their names.
  const std::vector<CheckpointFile> &files() const { return files_; }
  /// By key, in order of the keys.
  const Tensors &tensors() const { return tensors_; }

  /// The tensor, or null. Points into this checkpoint.
  const CheckpointTensor *find(std::string_view key) const;

  /// The tensor, if it is there, has this shape and one of these types. Otherwise an error such as
  /// `DIR/model.safetensors: model.norm.weight: shape is [255], expected [256]`.
  absl::StatusOr<const CheckpointTensor *> require(std::string_view key,
                                                   std::span<const uint64_t> shape,
                                                   std::span<const DType> dtypes) const;

  /// For readers of a format: adds a file. Returns its index.
  uint32_t addFile(std::string name, MappedFile mapping, uint64_t headerSize);
  /// For readers of a format: adds a tensor of `size` bytes at `offset` of a file added before. The
  /// caller has checked that they lie inside and fit the shape. An error if the key is taken.
  absl::Status addTensor(std::string key, DType dtype, std::vector<uint64_t> shape, uint32_t file,
                         uint64_t offset, uint64_t size);

  /// Where the keys are listed, for errors about absent ones: the only file, or the index.
  void setCatalogue(std::string path) { catalogue = std::move(path); }

private:
  std::vector<MappedFile> mappings; // one for each of files_
  std::vector<CheckpointFile> files_;
  Tensors tensors_;
  std::string catalogue;
};

/// Opens the checkpoint in `folder`: `model.safetensors`, else the shards that
/// `model.safetensors.index.json` names. Reads headers only. A folder that holds weights of another
/// format is UNIMPLEMENTED, naming the file found; one without any is NOT_FOUND.
absl::StatusOr<Checkpoint> openCheckpoint(const std::string &folder);

/// "[256, 1024]", as error messages write shapes.
std::string formatShape(std::span<const uint64_t> shape);

} // namespace strata
