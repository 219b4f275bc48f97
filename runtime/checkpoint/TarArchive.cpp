//===- TarArchive.cpp - the members of a tar file -------------------------===//
//
// Each member is a header of 512 bytes, then its contents, padded to 512. Two blocks of zeros end
// the archive. A member of type 'x' (pax) or 'L' (GNU) holds what does not fit the next header.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/TarArchive.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"

#include "absl/strings/numbers.h"

#include <algorithm>
#include <optional>

namespace strata {
namespace {

constexpr uint64_t kBlock = 512;
constexpr size_t kMaxMembers = size_t(1) << 17;
constexpr uint64_t kMaxExtendedBytes = 1 << 16;

/// What a pax or GNU member says of the next one.
struct Extended {
  std::optional<std::string> name;
  std::optional<uint64_t> size;
};

/// A field of a header: text up to a NUL or its end.
std::string_view field(std::string_view header, size_t offset, size_t size) {
  const std::string_view text = header.substr(offset, size);
  return text.substr(0, text.find('\0'));
}

/// Octal digits, or, with the first bit set, a big-endian number.
std::optional<uint64_t> readNumber(std::string_view text) {
  uint64_t value = 0;
  if (!text.empty() && (uint8_t(text[0]) & 0x80)) {
    for (size_t i = 0; i != text.size(); ++i) {
      if (value >> 56)
        return std::nullopt;
      value = (value << 8) | (uint8_t(text[i]) & (i == 0 ? 0x7f : 0xff));
    }
    return value;
  }
  bool digits = false;
  for (const char c : text) {
    if (c == ' ' || c == '\0') {
      if (digits)
        break;
      continue;
    }
    if (c < '0' || c > '7' || value >> 61)
      return std::nullopt;
    value = (value << 3) | uint64_t(c - '0');
    digits = true;
  }
  return value;
}

/// The sum of the header's bytes, its own field counted as blanks.
bool checksumFits(std::string_view header) {
  uint64_t sum = 0;
  for (size_t i = 0; i != header.size(); ++i)
    sum += i >= 148 && i < 156 ? ' ' : uint8_t(header[i]);
  return readNumber(header.substr(148, 8)) == sum;
}

class TarReader {
public:
  TarReader(std::span<const std::byte> bytes, const std::string &place)
      : reader(bytes), place(place) {}

  absl::StatusOr<TarMembers> read();

private:
  template <typename... Parts>
  absl::Status error(const Parts &...parts) const {
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", parts...));
  }
  absl::Status readMember(std::string_view header, uint64_t offset);
  absl::Status readPax(std::string_view text);
  absl::Status addMember(std::string name, TarMember member);

  ByteReader reader;
  const std::string &place;
  Extended extended;
  TarMembers members;
};

/// Records of "LENGTH KEY=VALUE\n", LENGTH counting all of it.
absl::Status TarReader::readPax(std::string_view text) {
  while (!text.empty()) {
    const size_t space = text.find(' '), equals = text.find('=');
    uint64_t length = 0;
    if (space == std::string_view::npos || equals == std::string_view::npos || equals < space ||
        !absl::SimpleAtoi(std::string(text.substr(0, space)), &length) || length > text.size() ||
        length < equals + 2)
      return error("expected pax records LENGTH KEY=VALUE, found other text");
    const std::string_view key = text.substr(space + 1, equals - space - 1);
    const std::string value(text.substr(equals + 1, length - equals - 2));
    uint64_t size = 0;
    if (key == "path")
      extended.name = value;
    else if (key == "size" && absl::SimpleAtoi(value, &size))
      extended.size = size;
    else if (key == "size" || key.starts_with("GNU.sparse"))
      return error("pax record ", printable(key), ": ", printable(value), " is not supported");
    text.remove_prefix(length);
  }
  return absl::OkStatus();
}

absl::Status TarReader::addMember(std::string name, TarMember member) {
  if (name.starts_with("./"))
    name.erase(0, 2);
  if (members.size() == kMaxMembers)
    return error("expected at most ", kMaxMembers, " members, found more");
  const auto [place, added] = members.try_emplace(std::move(name), member);
  return added
             ? absl::OkStatus()
             : error(printable(place->first), ": expected different members, found this one twice");
}

absl::Status TarReader::readMember(std::string_view header, uint64_t offset) {
  const std::optional<uint64_t> own = readNumber(header.substr(124, 12));
  const char type = header[156];
  const bool describes = type == 'x' || type == 'g' || type == 'L' || type == 'K';
  const std::optional<uint64_t> size = describes ? own : extended.size ? extended.size : own;
  if (!checksumFits(header) || !size)
    return error("expected a tar header at ", offset, ", found other bytes");
  if (*size > reader.remaining())
    return error("member at ", offset, ": expected ", *size, " bytes, found ", reader.remaining());
  if (describes && *size > kMaxExtendedBytes)
    return error("member at ", offset, ": expected at most ", kMaxExtendedBytes,
                 " bytes of names, found ", *size);
  const TarMember member{offset, reader.offset(), *size};
  const std::string_view contents = reader.text(*size);
  reader.take(std::min((kBlock - *size % kBlock) % kBlock, reader.remaining()));

  if (type == 'x')
    return readPax(contents);
  if (type == 'L')
    extended.name = std::string(contents.substr(0, contents.find('\0')));
  if (describes)
    return absl::OkStatus();
  const std::string_view prefix =
      field(header, 257, 5) == "ustar" && header[262] == '\0' ? field(header, 345, 155) : "";
  std::string name(field(header, 0, 100));
  if (!prefix.empty())
    name = absl::StrCat(std::string(prefix), "/", name);
  name = extended.name.value_or(name);
  extended = {};
  return type == '0' || type == '\0' ? addMember(std::move(name), member) : absl::OkStatus();
}

absl::StatusOr<TarMembers> TarReader::read() {
  while (true) {
    const uint64_t offset = reader.offset();
    const std::string_view header = reader.text(kBlock);
    if (!reader.ok())
      return error("expected an empty block at the end of the archive, found its end at ", offset,
                   ": the file is cut off");
    if (header.find_first_not_of('\0') == std::string_view::npos)
      return std::move(members);
    STRATA_TRY(readMember(header, offset));
  }
}

} // namespace

absl::StatusOr<TarMembers> readTar(std::span<const std::byte> bytes, const std::string &place) {
  if (ByteReader::asText(bytes).starts_with("\x1f\x8b"))
    return absl::UnimplementedError(
        absl::StrCat(place, ": compressed with gzip, which cannot be mapped; unpack it (tar -xzf) "
                            "into a folder and name that"));
  return TarReader(bytes, place).read();
}

} // namespace strata
