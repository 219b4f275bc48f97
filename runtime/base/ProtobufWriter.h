//===- ProtobufWriter.h - the wire format of protobuf -----------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::protobuf {

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

/// A field of a message, by its number: an integer, enumeration or bool; a string or message; a
/// float.
inline std::string number(int field, int64_t value) {
  return varint(uint64_t(field) << 3) + varint(uint64_t(value));
}
inline std::string text(int field, std::string_view value) {
  return varint(uint64_t(field) << 3 | 2).append(varint(value.size())).append(value);
}
inline std::string real(int field, float value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return varint(uint64_t(field) << 3 | 5).append(bytes, sizeof value);
}

} // namespace strata::protobuf
