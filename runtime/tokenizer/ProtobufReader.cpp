//===- ProtobufReader.cpp - the fields of a protobuf message --------------===//
#include "runtime/tokenizer/ProtobufReader.h"

#include "runtime/base/Status.h"

#include <bit>
#include <cstring>

namespace strata {

static_assert(std::endian::native == std::endian::little, "fixed numbers are little endian");

absl::Status ProtobufReader::error(std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(messageName), ": ", std::string(message)));
}

/// 7 bits a byte, least significant first; at most 10 bytes, and no more than 64 bits.
absl::StatusOr<uint64_t> ProtobufReader::readVarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    if (shift == 63 && byte > 1)
      return error("a number has more than 64 bits");
    value |= uint64_t(byte & 0x7F) << shift;
    if (byte < 0x80)
      return value;
  }
  return error("cut off inside a number");
}

absl::StatusOr<std::string_view> ProtobufReader::readBytes(uint64_t size) {
  if (size > rest.size())
    return error(absl::StrCat("a field of ", size, " bytes where only ", rest.size(), " are left"));
  const std::string_view bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return bytes;
}

absl::StatusOr<ProtobufField> ProtobufReader::next() {
  STRATA_ASSIGN(const uint64_t tag, readVarint());
  ProtobufField field;
  field.messageName = messageName;
  if (tag >> 3 == 0 || tag >> 3 >= (1u << 29))
    return error(absl::StrCat("no field has the number ", tag >> 3));
  field.number = static_cast<uint32_t>(tag >> 3);
  switch (tag & 7) {
  case 0: {
    STRATA_ASSIGN(field.value, readVarint());
    return field;
  }
  case 2: {
    STRATA_ASSIGN(const uint64_t size, readVarint());
    STRATA_ASSIGN(field.contents, readBytes(size));
    field.kind = ProtobufField::bytes;
    return field;
  }
  case 1:
  case 5: {
    const size_t size = (tag & 7) == 1 ? 8 : 4;
    STRATA_ASSIGN(const std::string_view bytes, readBytes(size));
    std::memcpy(&field.value, bytes.data(), size);
    field.kind = size == 8 ? ProtobufField::fixed64 : ProtobufField::fixed32;
    return field;
  }
  default:
    return error(absl::StrCat("field ", field.number, " has the wire type ", tag & 7));
  }
}

static absl::Status wrongKind(const ProtobufField &field, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field.messageName), ": field ", field.number, " is not ", expected));
}

absl::StatusOr<std::string_view> ProtobufField::asBytes() const {
  return kind == bytes ? absl::StatusOr<std::string_view>(contents) : wrongKind(*this, "bytes");
}

/// Negative numbers are sign-extended to 64 bits, so the low 32 bits are the number.
absl::StatusOr<int32_t> ProtobufField::asInt32() const {
  const auto wide = static_cast<int64_t>(value);
  if (kind != varint || wide != static_cast<int32_t>(wide))
    return wrongKind(*this, "a 32-bit integer");
  return static_cast<int32_t>(wide);
}

absl::StatusOr<bool> ProtobufField::asBool() const {
  if (kind != varint || value > 1)
    return wrongKind(*this, "true or false");
  return value == 1;
}

absl::StatusOr<float> ProtobufField::asFloat() const {
  if (kind != fixed32)
    return wrongKind(*this, "a 32-bit float");
  return std::bit_cast<float>(static_cast<uint32_t>(value));
}

} // namespace strata
