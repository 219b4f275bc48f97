//===- ProtobufReader.h - the fields of a protobuf message ------*- C++ -*-===//
//
// The wire format alone: varints, fixed numbers and bytes. Groups, which nothing has written for
// twenty years, are refused.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// One field as it lies in the message.
struct ProtobufField {
  uint32_t number = 0; // at least 1
  enum Kind { varint, fixed64, bytes, fixed32 } kind = varint;
  uint64_t value = 0;           // varint, fixed64, fixed32: the bits
  std::string_view contents;    // bytes: strings and messages too
  std::string_view messageName; // of the message that the field is in, for errors

  // The value as a field of that type. INVALID_ARGUMENT if it is of another.
  absl::StatusOr<std::string_view> asBytes() const;
  absl::StatusOr<int32_t> asInt32() const;
  absl::StatusOr<bool> asBool() const;
  absl::StatusOr<float> asFloat() const;
};

/// Reads a message field by field. The bytes must outlive it and its fields.
class ProtobufReader {
public:
  /// `messageName`, which must outlive the reader, is what errors call the message.
  ProtobufReader(std::string_view message, std::string_view messageName)
      : rest(message), messageName(messageName) {}

  bool atEnd() const { return rest.empty(); }
  /// The next field. INVALID_ARGUMENT where the bytes are no field.
  absl::StatusOr<ProtobufField> next();

private:
  absl::Status error(std::string_view message) const;
  absl::StatusOr<uint64_t> readVarint();
  absl::StatusOr<std::string_view> readBytes(uint64_t size);

  std::string_view rest;
  std::string_view messageName;
};

} // namespace strata
