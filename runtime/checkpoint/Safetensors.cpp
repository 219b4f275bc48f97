//===- Safetensors.cpp - the safetensors format ---------------------------===//
//
//     u64 N, little endian | N bytes of JSON | data
//
// The JSON maps each key to {"dtype", "shape", "data_offsets": [begin, end]}, counted from the
// first byte of the data. What is accepted is what the format's reference implementation accepts,
// less ranks above 8, keys above 1024 bytes and duplicate keys.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/Safetensors.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include "absl/strings/ascii.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>

namespace strata {

static_assert(std::endian::native == std::endian::little, "the header's length is little endian");

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxKeyBytes = 1024;

/// One entry of the header.
struct Entry {
  std::string key;
  DType dtype;
  std::vector<uint64_t> shape;
  uint64_t begin, end; // bytes, from the first byte of the data
};

} // namespace

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

/// The JSON of the header: begins with '{' and lies inside the file.
static absl::StatusOr<std::string_view> findHeader(const MappedFile &file) {
  const std::string_view contents(reinterpret_cast<const char *>(file.bytes().data()), file.size());
  const auto fail = [&](const auto &...message) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": ", message...));
  };
  if (contents.size() < kLengthBytes)
    return fail("file has ", contents.size(), " bytes, expected a header of at least ",
                kLengthBytes);
  uint64_t length;
  std::memcpy(&length, contents.data(), kLengthBytes);
  if (length > kMaxHeaderBytes)
    return fail("header has ", length, " bytes, expected at most ", kMaxHeaderBytes,
                "; is this a safetensors file?");
  if (length > contents.size() - kLengthBytes)
    return fail("header has ", length, " bytes, but the file only ", contents.size(),
                "; is it cut off?");
  const std::string_view header = contents.substr(kLengthBytes, length);
  if (!header.starts_with('{'))
    return fail("header begins with ", quote(header.substr(0, 8)), ", expected \"{\"");
  return header;
}

static absl::Status checkMetadata(const JsonValue &metadata) {
  if (metadata.isNull())
    return absl::OkStatus();
  STRATA_ASSIGN(const JsonObject object, metadata.object());
  for (const JsonMember &member : object.members())
    STRATA_TRY(member.value.string().status());
  return absl::OkStatus();
}

static absl::Status checkKey(const JsonMember &member) {
  if (member.key.size() > kMaxKeyBytes)
    return member.value.error(
        absl::StrCat("key has ", member.key.size(), " bytes, expected at most ", kMaxKeyBytes));
  if (member.key.find('\0') != std::string_view::npos)
    return member.value.error("key holds a NUL");
  return absl::OkStatus();
}

static absl::StatusOr<DType> readDType(const JsonObject &tensor) {
  STRATA_ASSIGN(const std::string_view text, tensor.string("dtype"));
  const auto dtype = dtypeNamed(absl::AsciiStrToLower({text.data(), text.size()}));
  if (!dtype || isQuantized(*dtype) || std::any_of(text.begin(), text.end(), absl::ascii_islower))
    return tensor.error(
        "dtype", absl::StrCat("expected a type such as \"BF16\" or \"F32\", found ", quote(text)));
  return *dtype;
}

static absl::StatusOr<std::vector<uint64_t>> readShape(const JsonObject &tensor) {
  STRATA_ASSIGN(const auto shape, tensor.integers("shape", {.min = 0}));
  if (shape.size() > kMaxRank)
    return tensor.error(
        "shape", absl::StrCat("expected at most ", kMaxRank, " dimensions, found ", shape.size()));
  return std::vector<uint64_t>(shape.begin(), shape.end());
}

static absl::StatusOr<Entry> readEntry(const JsonMember &member) {
  STRATA_TRY(checkKey(member));
  STRATA_ASSIGN(const JsonObject tensor, member.value.object());
  STRATA_ASSIGN(const DType dtype, readDType(tensor));
  STRATA_ASSIGN(std::vector<uint64_t> shape, readShape(tensor));
  STRATA_ASSIGN(const auto offsets, tensor.integers("data_offsets", {.min = 0}));
  if (offsets.size() != 2)
    return tensor.error("data_offsets",
                        absl::StrCat("expected [begin, end], found ", offsets.size(), " integers"));
  return Entry{std::string(member.key), dtype, std::move(shape), uint64_t(offsets[0]),
               uint64_t(offsets[1])};
}

/// The entries in the order of their data.
static absl::StatusOr<std::vector<Entry>> readEntries(const JsonObject &header) {
  std::vector<Entry> entries;
  for (const JsonMember &member : header.members()) {
    if (member.key == "__metadata__") {
      STRATA_TRY(checkMetadata(member.value));
      continue;
    }
    STRATA_ASSIGN(Entry entry, readEntry(member));
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  return entries;
}

//===----------------------------------------------------------------------===//
// The layout
//===----------------------------------------------------------------------===//

/// That shape and type account for exactly the bytes between the offsets.
static absl::Status checkSize(const JsonObject &header, const Entry &entry) {
  const std::string product =
      absl::StrCat("shape ", formatShape(entry.shape), " of ", std::string(name(entry.dtype)));
  const BlockSize size = blockSize(entry.dtype);
  const Checked elements = checkedProduct(entry.shape);
  if (const auto count = elements.value(); count && *count % size.elements != 0)
    return header.error(entry.key, absl::StrCat(product, " is not a whole number of bytes"));
  const std::optional<uint64_t> bytes = size.bytesOf(elements);
  if (!bytes)
    return header.error(entry.key, absl::StrCat(product, " does not fit 64 bits"));
  if (*bytes != entry.end - entry.begin)
    return header.error(entry.key,
                        absl::StrCat(product, " needs ", *bytes, " bytes, data_offsets hold ",
                                     entry.end - entry.begin));
  return absl::OkStatus();
}

/// That the tensors fill the data: no gap, no overlap, nothing past the end, nothing left over.
static absl::Status checkLayout(const JsonObject &header, const std::vector<Entry> &entries,
                                const MappedFile &file, uint64_t dataSize) {
  uint64_t filled = 0;
  for (const Entry &entry : entries) {
    if (entry.begin != filled)
      return header.error(
          entry.key, absl::StrCat("data begins at ", entry.begin, ", expected ", filled,
                                  ": tensors ", entry.begin < filled ? "overlap" : "leave a gap"));
    if (entry.end < entry.begin)
      return header.error(entry.key, absl::StrCat("data ends at ", entry.end,
                                                  ", before it begins at ", entry.begin));
    STRATA_TRY(checkSize(header, entry));
    if (entry.end > dataSize)
      return header.error(entry.key,
                          absl::StrCat("data ends at ", entry.end, ", but the file holds only ",
                                       dataSize, " bytes of data"));
    filled = entry.end;
  }
  if (filled != dataSize)
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": file holds ", dataSize,
                                                   " bytes of data, tensors account for ", filled));
  return absl::OkStatus();
}

absl::Status readSafetensors(const std::string &folder, const std::string &name,
                             Checkpoint &checkpoint) {
  const std::string path = (std::filesystem::path(folder) / name).string();
  STRATA_ASSIGN(MappedFile file, MappedFile::open(path));
  STRATA_ASSIGN(const std::string_view text, findHeader(file));
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, path));
  STRATA_ASSIGN(const JsonObject header, document.object());
  STRATA_ASSIGN(std::vector<Entry> entries, readEntries(header));
  const uint64_t dataStart = kLengthBytes + text.size();
  STRATA_TRY(checkLayout(header, entries, file, file.size() - dataStart));

  checkpoint.setCatalogue(path);
  const std::span<const std::byte> described = file.bytes().first(dataStart);
  const uint32_t index = checkpoint.addFile(name, std::move(file), {described});
  for (Entry &entry : entries)
    STRATA_TRY(checkpoint.addTensor(std::move(entry.key), {entry.dtype, std::move(entry.shape),
                                                           index, dataStart + entry.begin}));
  return absl::OkStatus();
}

} // namespace strata
