//===- GgufFile.h - what a GGUF file says -----------------------*- C++ -*-===//
//
//     "GGUF" | u32 version | u64 tensors | u64 keys | key, type, value... | name, dimensions, type,
//     offset... | padding | data
//
// Versions 2 and 3, little endian: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A value of the metadata.
struct GgufValue {
  enum class Kind : uint8_t { integer, real, boolean, string, array };

  Kind kind;
  int64_t integer = 0;        // of a boolean: 0 or 1; of an array: how many elements it has
  double real = 0;            // of an integer, too
  std::string_view text = {}; // into the file; of an array: its elements' bytes
  uint32_t element = 0;       // of an array: the type of its elements
};

/// A tensor as the file lists it.
struct GgufTensor {
  std::string_view name; // into the file
  DType dtype;
  std::vector<uint64_t> shape; // outermost first: the reverse of the file's order
  uint64_t offset;             // bytes from the start of the file
};

/// The header of a GGUF file in memory that outlives it.
class GgufFile {
public:
  /// Looks at the metadata of a file whose tensors have not been read yet.
  using CheckMetadata = absl::FunctionRef<absl::Status(const GgufFile &)>;

  /// Reads the header of `bytes`; errors begin with `place`. What `check` says of the metadata
  /// comes before what is wrong with tensors. Those follow each other in the order of the list and
  /// fill the file. Other kinds of quantization than DType's are UNIMPLEMENTED, by name. The values
  /// of blocks, such as their scales, are not looked at.
  static absl::StatusOr<GgufFile> read(std::span<const std::byte> bytes, std::string place,
                                       CheckMetadata check);

  const std::map<std::string_view, GgufValue> &metadata() const { return metadata_; }
  const std::vector<GgufTensor> &tensors() const { return tensors_; }
  /// All before the data.
  std::span<const std::byte> header() const { return header_; }

  /// The value under a key; empty if there is none, an error if it is of another kind.
  absl::StatusOr<std::optional<int64_t>> integer(std::string_view key) const;
  absl::StatusOr<std::optional<double>> real(std::string_view key) const;
  absl::StatusOr<std::optional<bool>> boolean(std::string_view key) const;
  absl::StatusOr<std::optional<std::string_view>> string(std::string_view key) const;

  /// The elements of the array under a key; none if there is no such key, an error if they are of
  /// another type.
  absl::StatusOr<std::vector<std::string_view>> strings(std::string_view key) const;
  absl::StatusOr<std::vector<float>> floats(std::string_view key) const;
  absl::StatusOr<std::vector<int32_t>> integers(std::string_view key) const;

  /// INVALID_ARGUMENT `PLACE: NAME: MESSAGE`, for checks that are the caller's.
  absl::Status error(std::string_view name, std::string_view message) const;

private:
  friend class GgufReader;
  absl::StatusOr<const GgufValue *> find(std::string_view key, GgufValue::Kind kind) const;
  template <typename T, typename Read>
  absl::StatusOr<std::vector<T>> elements(std::string_view key, uint32_t type, Read read) const;

  std::map<std::string_view, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
  std::span<const std::byte> header_;
  std::string place;
};

} // namespace strata
