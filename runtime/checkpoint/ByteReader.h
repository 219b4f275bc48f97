//===- ByteReader.h - reading a file from front to back ---------*- C++ -*-===//
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace strata {

static_assert(std::endian::native == std::endian::little, "the formats are little endian");

/// Walks over bytes. Reading past their end yields zeros and empty ranges from then on, and is
/// remembered: check ok() before believing what was read.
class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes, uint64_t offset = 0)
      : bytes(bytes), position(offset), inside(offset <= bytes.size()) {}

  bool ok() const { return inside; }
  /// Of the next byte, from the start of the bytes; where reading stopped after an error.
  uint64_t offset() const { return position; }
  uint64_t remaining() const { return inside ? bytes.size() - position : 0; }

  /// A number, little endian; of any alignment.
  template <typename T>
  T read() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    if (auto taken = take(sizeof(T)); !taken.empty())
      std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }

  std::span<const std::byte> take(uint64_t size) {
    if (size > remaining())
      inside = false;
    if (!inside)
      return {};
    position += size;
    return bytes.subspan(position - size, size);
  }

  std::string_view text(uint64_t size) { return asText(take(size)); }

  /// Up to the next line feed, which is skipped.
  std::string_view line() {
    const std::string_view rest = inside ? asText(bytes.subspan(position)) : "";
    const size_t length = rest.find('\n');
    return text(length == std::string_view::npos ? UINT64_MAX : length + 1).substr(0, length);
  }

  static std::string_view asText(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
  }

private:
  std::span<const std::byte> bytes;
  uint64_t position;
  bool inside;
};

} // namespace strata
