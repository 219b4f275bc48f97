//===- ZipArchive.cpp - the directory of a ZIP file -----------------------===//
//
//     (header, name, extra, contents, sizes)... | central directory | its end, once more for ZIP64
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/ZipArchive.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace strata {
namespace {

constexpr uint32_t kEntrySignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocatorSignature = 0x07064b50;
constexpr uint64_t kEntryHeaderBytes = 30, kDirectoryEntryBytes = 46;
constexpr uint64_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr uint64_t kMaxCommentBytes = 65535;
constexpr uint64_t kMaxDirectoryBytes = uint64_t(64) << 20;
constexpr uint16_t kEncrypted = 1 << 0;
constexpr uint16_t kZip64Extra = 1;

/// What the end of the file says of the central directory.
struct Directory {
  uint64_t offset, size, count;
  uint64_t end; // where the record that says so begins
};

/// An entry of the central directory.
struct Listed {
  std::string_view name;
  uint16_t flags, method;
  uint32_t crc;
  uint64_t stored, size; // bytes in the archive, bytes unpacked
  uint64_t header;       // offset of the entry's own header
};

/// Reads the records of one archive; errors begin with its place.
class DirectoryReader {
public:
  DirectoryReader(std::span<const std::byte> bytes, const std::string &place)
      : bytes(bytes), place(place) {}

  absl::StatusOr<Directory> findDirectory();
  absl::StatusOr<std::vector<Listed>> readListed(const Directory &directory);
  absl::StatusOr<ZipArchive::Entries> readEntries(const std::vector<Listed> &listed,
                                                  const Directory &directory);

private:
  template <typename... Parts>
  absl::Status error(const Parts &...parts) const {
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", parts...));
  }
  std::optional<uint64_t> findEnd() const;
  absl::StatusOr<Directory> readEnd64(uint64_t end);
  absl::Status readZip64(ByteReader extra, Listed &entry);
  absl::Status checkListed(const Listed &entry);
  absl::StatusOr<uint64_t> findContents(const Listed &entry);

  std::span<const std::byte> bytes;
  const std::string &place;
};

//===----------------------------------------------------------------------===//
// The end of the file
//===----------------------------------------------------------------------===//

/// The last record whose comment reaches exactly to the end of the file.
std::optional<uint64_t> DirectoryReader::findEnd() const {
  const uint64_t furthest = std::min<uint64_t>(bytes.size(), kEndBytes + kMaxCommentBytes);
  for (uint64_t back = kEndBytes; back <= furthest; ++back) {
    ByteReader reader(bytes, bytes.size() - back);
    if (reader.read<uint32_t>() != kEndSignature)
      continue;
    reader.take(kEndBytes - sizeof(uint32_t) - sizeof(uint16_t));
    if (reader.read<uint16_t>() == back - kEndBytes)
      return bytes.size() - back;
  }
  return std::nullopt;
}

absl::StatusOr<Directory> DirectoryReader::findDirectory() {
  const std::optional<uint64_t> end = findEnd();
  if (!end)
    return error("expected a ZIP archive that ends with its directory, found none: the file is "
                 "damaged or cut off");
  ByteReader reader(bytes, *end + sizeof(uint32_t));
  const auto disk = reader.read<uint16_t>(), first = reader.read<uint16_t>();
  const auto here = reader.read<uint16_t>(), count = reader.read<uint16_t>();
  const auto size = reader.read<uint32_t>(), offset = reader.read<uint32_t>();
  Directory directory{offset, size, count, *end};
  if (*end >= kLocatorBytes &&
      ByteReader(bytes, *end - kLocatorBytes).read<uint32_t>() == kLocatorSignature) {
    STRATA_ASSIGN(directory, readEnd64(*end));
  } else if (disk != 0 || first != 0 || here != count) {
    return error("archives of several disks are not supported");
  }
  if (directory.size > kMaxDirectoryBytes)
    return error("directory has ", directory.size, " bytes, expected at most ", kMaxDirectoryBytes);
  if ((Checked(directory.offset) + directory.size).value() != directory.end)
    return error("directory: expected to end at ", directory.end, ", found ", directory.size,
                 " bytes at ", directory.offset);
  return directory;
}

absl::StatusOr<Directory> DirectoryReader::readEnd64(uint64_t end) {
  ByteReader locator(bytes, end - kLocatorBytes + sizeof(uint32_t));
  const auto disk = locator.read<uint32_t>();
  const auto offset = locator.read<uint64_t>();
  const auto disks = locator.read<uint32_t>();
  ByteReader reader(bytes, offset);
  if (reader.read<uint32_t>() != kEnd64Signature)
    return error("ZIP64 record: expected at ", offset, ", found none");
  const auto size = reader.read<uint64_t>();
  reader.take(2 * sizeof(uint16_t)); // versions
  const auto number = reader.read<uint32_t>(), first = reader.read<uint32_t>();
  const auto here = reader.read<uint64_t>(), count = reader.read<uint64_t>();
  const auto directorySize = reader.read<uint64_t>(), directoryOffset = reader.read<uint64_t>();
  if (size != kEnd64Bytes - 12 || offset + kEnd64Bytes != end - kLocatorBytes)
    return error("ZIP64 record: expected ", kEnd64Bytes, " bytes that end at ", end - kLocatorBytes,
                 ", found ", size, " bytes and a header at ", offset);
  if (disk != 0 || disks > 1 || number != 0 || first != 0 || here != count)
    return error("archives of several disks are not supported");
  return Directory{directoryOffset, directorySize, count, offset};
}

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

/// Sizes and offsets that did not fit 32 bits, in the order of the fields that say so.
absl::Status DirectoryReader::readZip64(ByteReader extra, Listed &entry) {
  uint64_t *const fields[] = {&entry.size, &entry.stored, &entry.header};
  if (std::ranges::none_of(fields, [](uint64_t *field) { return *field == UINT32_MAX; }))
    return absl::OkStatus();
  while (extra.remaining() > 0) {
    const auto id = extra.read<uint16_t>(), size = extra.read<uint16_t>();
    ByteReader values(extra.take(size));
    if (id != kZip64Extra)
      continue;
    for (uint64_t *field : fields)
      if (*field == UINT32_MAX)
        *field = values.read<uint64_t>();
    if (values.ok())
      return absl::OkStatus();
  }
  return error(printable(entry.name), ": expected sizes of 64 bits behind its name, found none");
}

absl::Status DirectoryReader::checkListed(const Listed &entry) {
  const std::string name = printable(entry.name);
  if (entry.flags & kEncrypted)
    return error(name, ": encrypted entries are not supported");
  if (entry.method != 0)
    return error(name, ": compression: expected none (0), found method ", entry.method);
  if (entry.stored != entry.size)
    return error(name, ": size: expected ", entry.stored, " bytes as stored, found ", entry.size);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Listed>> DirectoryReader::readListed(const Directory &directory) {
  if (directory.count > directory.size / kDirectoryEntryBytes)
    return error("directory: expected room for ", directory.count, " entries, found ",
                 directory.size, " bytes");
  std::vector<Listed> entries;
  ByteReader reader(bytes.subspan(directory.offset, directory.size));
  for (uint64_t i = 0; i != directory.count; ++i) {
    if (reader.read<uint32_t>() != kDirectorySignature)
      return error("directory: entry ", i, ": expected an entry's signature, found none");
    Listed entry;
    reader.take(2 * sizeof(uint16_t)); // versions
    entry.flags = reader.read<uint16_t>(), entry.method = reader.read<uint16_t>();
    reader.take(sizeof(uint32_t)); // time and date
    entry.crc = reader.read<uint32_t>();
    entry.stored = reader.read<uint32_t>(), entry.size = reader.read<uint32_t>();
    const auto nameSize = reader.read<uint16_t>(), extraSize = reader.read<uint16_t>();
    const auto commentSize = reader.read<uint16_t>();
    reader.take(2 * sizeof(uint16_t) + sizeof(uint32_t)); // disk, attributes
    entry.header = reader.read<uint32_t>();
    entry.name = reader.text(nameSize);
    const ByteReader extra(reader.take(extraSize));
    reader.take(commentSize);
    if (!reader.ok())
      return error("directory: entry ", i, ": ends behind the directory");
    STRATA_TRY(readZip64(extra, entry));
    STRATA_TRY(checkListed(entry));
    entries.push_back(entry);
  }
  if (reader.remaining() > 0)
    return error("directory: expected ", directory.count, " entries, found ", reader.remaining(),
                 " bytes more");
  return entries;
}

//===----------------------------------------------------------------------===//
// The entries
//===----------------------------------------------------------------------===//

/// Where the contents begin, behind the entry's own header. Its sizes and CRC are not looked at:
/// writers that learn them late leave them zero and repeat them behind the contents.
absl::StatusOr<uint64_t> DirectoryReader::findContents(const Listed &entry) {
  ByteReader reader(bytes, entry.header);
  if (reader.read<uint32_t>() != kEntrySignature)
    return error(printable(entry.name), ": expected the entry's header at ", entry.header,
                 ", found none");
  reader.take(kEntryHeaderBytes - sizeof(uint32_t) - 2 * sizeof(uint16_t));
  const auto nameSize = reader.read<uint16_t>(), extraSize = reader.read<uint16_t>();
  const std::string_view name = reader.text(nameSize);
  reader.take(extraSize);
  if (!reader.ok() || name != entry.name)
    return error(printable(entry.name), ": the entry's own header is of ", printable(name));
  return reader.offset();
}

absl::StatusOr<ZipArchive::Entries> DirectoryReader::readEntries(const std::vector<Listed> &listed,
                                                                 const Directory &directory) {
  std::vector<const Listed *> order;
  for (const Listed &entry : listed)
    order.push_back(&entry);
  std::ranges::stable_sort(order, {}, &Listed::header);

  ZipArchive::Entries entries;
  for (size_t i = 0; i != order.size(); ++i) {
    const Listed &entry = *order[i];
    const uint64_t limit = i + 1 < order.size() ? order[i + 1]->header : directory.offset;
    STRATA_ASSIGN(const uint64_t offset, findContents(entry));
    if (!(Checked(offset) + entry.size).atMost(std::min(limit, directory.offset)))
      return error(printable(entry.name), ": expected ", entry.size, " bytes to end at most at ",
                   std::min(limit, directory.offset), ", found them at ", offset,
                   ": the entry overlaps what follows");
    if (!entries.try_emplace(entry.name, ZipEntry{offset, entry.size, entry.crc}).second)
      return error(printable(entry.name), ": expected different names, found this one twice");
  }
  return entries;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

/// The CRC-32 of ISO 3309: polynomial 0x04C11DB7, bits reflected.
uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i != entries.size(); ++i) {
      entries[i] = i;
      for (int bit = 0; bit != 8; ++bit)
        entries[i] = (entries[i] >> 1) ^ (entries[i] & 1 ? 0xEDB88320u : 0);
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (std::byte byte : bytes)
    crc = (crc >> 8) ^ table[(crc ^ uint32_t(byte)) & 0xff];
  return ~crc;
}

} // namespace

absl::StatusOr<ZipArchive> ZipArchive::open(std::span<const std::byte> bytes, std::string place) {
  DirectoryReader reader(bytes, place);
  STRATA_ASSIGN(const Directory directory, reader.findDirectory());
  STRATA_ASSIGN(const std::vector<Listed> listed, reader.readListed(directory));
  ZipArchive archive;
  STRATA_ASSIGN(archive.entries_, reader.readEntries(listed, directory));
  archive.bytes = bytes;
  archive.directory_ = bytes.subspan(directory.offset);
  archive.place = std::move(place);
  return archive;
}

absl::StatusOr<std::span<const std::byte>> ZipArchive::contents(std::string_view name,
                                                                uint64_t maxBytes) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    return error(name, "missing from the archive");
  const ZipEntry &entry = found->second;
  if (entry.size > maxBytes)
    return error(name, absl::StrCat("expected at most ", maxBytes, " bytes, found ", entry.size));
  const auto contents = bytes.subspan(entry.offset, entry.size);
  if (const uint32_t crc = crc32(contents); entry.crc != 0 && entry.crc != crc)
    return error(name, absl::StrCat("CRC-32: expected ", absl::Hex(entry.crc, absl::kZeroPad8),
                                    ", found ", absl::Hex(crc, absl::kZeroPad8)));
  return contents;
}

absl::Status ZipArchive::error(std::string_view name, std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": ", printable(name), ": ", std::string(message)));
}

} // namespace strata
