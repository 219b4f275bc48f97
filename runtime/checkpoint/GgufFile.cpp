//===- GgufFile.cpp - what a GGUF file says -------------------------------===//
#include "runtime/checkpoint/GgufFile.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"

#include <algorithm>
#include <set>

namespace strata {

using Kind = GgufValue::Kind;

namespace {

constexpr uint64_t kMaxEntries = uint64_t(1) << 16; // keys, or tensors
constexpr uint64_t kMaxNameBytes = 1024;
constexpr uint32_t kMaxRank = 4;
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = uint64_t(1) << 20;

/// Types of values, by their numbers in the file.
enum class Type : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

/// Types of tensors that are read as they are.
constexpr struct {
  uint32_t number;
  DType dtype;
} kTypes[] = {{0, DType::f32},   {1, DType::f16},   {2, DType::q4_0},    {3, DType::q4_1},
              {6, DType::q5_0},  {7, DType::q5_1},  {8, DType::q8_0},    {12, DType::q4_k},
              {13, DType::q5_k}, {14, DType::q6_k}, {20, DType::iq4_nl}, {23, DType::iq4_xs},
              {24, DType::i8},   {25, DType::i16},  {26, DType::i32},    {27, DType::i64},
              {28, DType::f64},  {30, DType::bf16}};

struct NamedType {
  uint32_t number;
  std::string_view name;
};

/// Those that are not, for the message.
constexpr NamedType kOtherTypes[] = {
    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},  {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"}, {22, "IQ2_S"}, {29, "IQ1_M"},   {34, "TQ1_0"},
    {35, "TQ2_0"},   {39, "MXFP4"}, {40, "NVFP4"}, {41, "Q1_0"}};

/// Those that ggml itself no longer reads: the last six were weights repacked for some processors.
constexpr NamedType kRemovedTypes[] = {{4, "Q4_2"},        {5, "Q4_3"},       {31, "Q4_0_4_4"},
                                       {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},  {36, "IQ4_NL_4_4"},
                                       {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}};

/// The name of a type in a table; empty if it is not there.
std::string_view nameIn(std::span<const NamedType> table, uint32_t number) {
  const auto *found = std::ranges::find(table, number, &NamedType::number).base();
  return found == table.data() + table.size() ? "" : found->name;
}

std::string_view kindName(Kind kind) {
  constexpr std::string_view kNames[] = {"an integer", "a number", "a boolean", "text", "an array"};
  return kNames[size_t(kind)];
}

} // namespace

/// Reads the header of one file.
class GgufReader {
  using CheckMetadata = GgufFile::CheckMetadata;

public:
  GgufReader(std::span<const std::byte> bytes, std::string place) : reader(bytes), bytes(bytes) {
    file.place = std::move(place);
  }

  absl::StatusOr<GgufFile> read(CheckMetadata check);

private:
  template <typename... Parts>
  absl::Status error(const Parts &...parts) const {
    return absl::InvalidArgumentError(absl::StrCat(file.place, ": ", parts...));
  }
  absl::Status checkVersion();
  absl::Status readMetadata(uint64_t count);
  absl::StatusOr<GgufValue> readValue(Type type);
  absl::StatusOr<GgufValue> skipArray();
  std::string_view readString() { return reader.text(reader.read<uint64_t>()); }
  template <typename T>
  GgufValue readInteger() {
    const auto value = int64_t(reader.read<T>());
    return {.kind = Kind::integer, .integer = value, .real = double(value)};
  }

  absl::Status readTensors(uint64_t count);
  absl::StatusOr<GgufTensor> readTensor();
  absl::StatusOr<DType> readDType(std::string_view name);
  absl::Status checkRows(const GgufTensor &tensor) const;
  absl::StatusOr<uint64_t> readAlignment();
  absl::Status placeTensors(uint64_t alignment);

  ByteReader reader;
  std::span<const std::byte> bytes;
  GgufFile file;
};

//===----------------------------------------------------------------------===//
// Metadata
//===----------------------------------------------------------------------===//

absl::Status GgufReader::checkVersion() {
  if (reader.text(4) != "GGUF")
    return error("expected a GGUF file, found other first bytes");
  const auto version = reader.read<uint32_t>();
  if (version == 2 || version == 3)
    return absl::OkStatus();
  const bool swapped = version != 0 && (version & 0xffffff) == 0;
  return error("GGUF version: expected 2 or 3, found ", version,
               swapped ? ": files of big-endian machines are not supported" : "");
}

absl::StatusOr<GgufValue> GgufReader::readValue(Type type) {
  switch (type) {
  case Type::u8:
    return readInteger<uint8_t>();
  case Type::i8:
    return readInteger<int8_t>();
  case Type::u16:
    return readInteger<uint16_t>();
  case Type::i16:
    return readInteger<int16_t>();
  case Type::u32:
    return readInteger<uint32_t>();
  case Type::i32:
    return readInteger<int32_t>();
  case Type::i64:
    return readInteger<int64_t>();
  case Type::u64:
    if (const auto value = reader.read<uint64_t>(); value <= INT64_MAX)
      return GgufValue{.kind = Kind::integer, .integer = int64_t(value), .real = double(value)};
    else
      return absl::InvalidArgumentError(
          absl::StrCat("expected an integer of at most ", INT64_MAX, ", found ", value));
  case Type::f32:
    return GgufValue{.kind = Kind::real, .real = reader.read<float>()};
  case Type::f64:
    return GgufValue{.kind = Kind::real, .real = reader.read<double>()};
  case Type::boolean:
    return GgufValue{.kind = Kind::boolean, .integer = reader.read<uint8_t>() != 0};
  case Type::string:
    return GgufValue{.kind = Kind::string, .text = readString()};
  case Type::array:
    return skipArray();
  }
  return absl::InvalidArgumentError(absl::StrCat("type: expected 0 to 12, found ", uint32_t(type)));
}

/// Finds its end; GgufFile reads the elements of those that are asked for.
absl::StatusOr<GgufValue> GgufReader::skipArray() {
  const auto element = Type(reader.read<uint32_t>());
  const auto count = reader.read<uint64_t>();
  constexpr uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  if (element > Type::f64 || element == Type::array)
    return absl::InvalidArgumentError(absl::StrCat(
        "array: expected elements of type 0 to 12 but not 9, found ", uint32_t(element)));
  const uint64_t begin = reader.offset();
  if (element == Type::string)
    for (uint64_t i = 0; i != count && reader.ok(); ++i)
      readString();
  else if (const auto size = (Checked(count) * kSizes[size_t(element)]).value())
    reader.take(*size);
  else
    reader.take(UINT64_MAX);
  GgufValue array{.kind = Kind::array, .integer = int64_t(std::min<uint64_t>(count, INT64_MAX))};
  array.element = uint32_t(element);
  if (reader.ok())
    array.text = ByteReader::asText(bytes.subspan(begin, reader.offset() - begin));
  return array;
}

absl::Status GgufReader::readMetadata(uint64_t count) {
  for (uint64_t i = 0; i != count; ++i) {
    const std::string_view key = readString();
    const auto type = Type(reader.read<uint32_t>());
    if (!reader.ok())
      return error("metadata: key ", i, " of ", count, ": the file ends in it");
    if (key.empty() || key.size() > kMaxNameBytes)
      return error("metadata: key ", i, ": expected 1 to ", kMaxNameBytes, " bytes, found ",
                   key.size());
    absl::StatusOr<GgufValue> value = readValue(type);
    if (!value.ok())
      return annotate(value.status(), absl::StrCat(file.place, ": ", printable(key)));
    if (!reader.ok())
      return error(printable(key), ": the file ends in the value");
    if (!file.metadata_.try_emplace(key, *value).second)
      return error(printable(key), ": key stands more than once in the metadata");
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

absl::StatusOr<DType> GgufReader::readDType(std::string_view name) {
  const auto number = reader.read<uint32_t>();
  for (const auto &type : kTypes)
    if (type.number == number)
      return type.dtype;
  if (const auto other = nameIn(kOtherTypes, number); !other.empty())
    return absl::UnimplementedError(absl::StrCat(
        file.place, ": ", printable(name), ": quantized to ", std::string(other),
        ", which is not supported; expected bf16, f16, f32, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, "
        "Q5_K, Q6_K, IQ4_NL or IQ4_XS"));
  if (const auto removed = nameIn(kRemovedTypes, number); !removed.empty())
    return absl::UnimplementedError(
        absl::StrCat(file.place, ": ", printable(name), ": quantized to ", std::string(removed),
                     ", which GGUF no longer has; convert the model again, e.g. to Q4_0"));
  return error(printable(name), ": type ", number, " is none that is known");
}

/// That a row is whole blocks.
absl::Status GgufReader::checkRows(const GgufTensor &tensor) const {
  const uint64_t block = blockSize(tensor.dtype).elements;
  const uint64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (columns % block == 0)
    return absl::OkStatus();
  return error(printable(tensor.name), ": expected a multiple of ", block, " columns of ",
               std::string(name(tensor.dtype)), ", found ", columns);
}

absl::StatusOr<GgufTensor> GgufReader::readTensor() {
  GgufTensor tensor;
  tensor.name = readString();
  const auto rank = reader.read<uint32_t>();
  if (!reader.ok() || tensor.name.empty() || tensor.name.size() > kMaxNameBytes || rank > kMaxRank)
    return error("tensor ", file.tensors_.size(), ": expected a name of 1 to ", kMaxNameBytes,
                 " bytes and at most ", kMaxRank, " dimensions, found ", tensor.name.size(),
                 " bytes and ", rank);
  for (uint32_t i = 0; i != rank; ++i)
    tensor.shape.insert(tensor.shape.begin(), reader.read<uint64_t>());
  STRATA_ASSIGN(tensor.dtype, readDType(tensor.name));
  tensor.offset = reader.read<uint64_t>();
  return tensor;
}

absl::Status GgufReader::readTensors(uint64_t count) {
  std::set<std::string_view> names;
  for (uint64_t i = 0; i != count; ++i) {
    STRATA_ASSIGN(GgufTensor tensor, readTensor());
    if (!reader.ok())
      return error("tensor ", i, " of ", count, ": the file ends in its description");
    if (!names.insert(tensor.name).second)
      return error(printable(tensor.name), ": expected different tensors, found this one twice");
    STRATA_TRY(checkRows(tensor));
    file.tensors_.push_back(std::move(tensor));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> GgufReader::readAlignment() {
  STRATA_ASSIGN(const std::optional<int64_t> found, file.integer("general.alignment"));
  const auto alignment = uint64_t(found.value_or(kDefaultAlignment));
  if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    return file.error("general.alignment", absl::StrCat("expected a power of two up to ",
                                                        kMaxAlignment, ", found ", *found));
  return alignment;
}

/// Offsets in the file count from the start of the data; each tensor is padded to the alignment.
absl::Status GgufReader::placeTensors(uint64_t alignment) {
  const auto padded = [&](uint64_t size) { return (size + alignment - 1) & ~(alignment - 1); };
  const uint64_t start = std::min<uint64_t>(padded(reader.offset()), bytes.size());
  const uint64_t room = bytes.size() - start;
  uint64_t filled = 0;
  for (GgufTensor &tensor : file.tensors_) {
    const std::string name = printable(tensor.name);
    const auto size = blockSize(tensor.dtype).bytesOf(checkedProduct(tensor.shape));
    if (tensor.offset != filled)
      return error(name, ": data begins at ", tensor.offset, ", expected ", filled);
    if (!size || *size > room || filled > room - *size)
      return error(name, ": shape ", formatShape(tensor.shape), " of ",
                   std::string(strata::name(tensor.dtype)), " from ", filled,
                   " on does not fit the ", room, " bytes of data in the file");
    tensor.offset += start;
    filled = padded(filled + *size);
  }
  // The last tensor may lack its padding.
  if (padded(room) > filled)
    return error("file holds ", room, " bytes of data, tensors account for ", filled);
  file.header_ = bytes.first(start);
  return absl::OkStatus();
}

absl::StatusOr<GgufFile> GgufReader::read(CheckMetadata check) {
  STRATA_TRY(checkVersion());
  const auto tensors = reader.read<uint64_t>(), keys = reader.read<uint64_t>();
  if (!reader.ok() || tensors > kMaxEntries || keys > kMaxEntries)
    return error("expected at most ", kMaxEntries, " tensors and keys, found ", tensors, " and ",
                 keys);
  STRATA_TRY(readMetadata(keys));
  STRATA_TRY(check(file));
  STRATA_TRY(readTensors(tensors));
  STRATA_ASSIGN(const uint64_t alignment, readAlignment());
  STRATA_TRY(placeTensors(alignment));
  return std::move(file);
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

absl::StatusOr<GgufFile> GgufFile::read(std::span<const std::byte> bytes, std::string place,
                                        CheckMetadata check) {
  return GgufReader(bytes, std::move(place)).read(check);
}

absl::StatusOr<const GgufValue *> GgufFile::find(std::string_view key, Kind kind) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end())
    return nullptr;
  const Kind actual = found->second.kind;
  if (actual == kind || (actual == Kind::integer && kind == Kind::real))
    return &found->second;
  return error(key, absl::StrCat("expected ", std::string(kindName(kind)), ", found ",
                                 std::string(kindName(actual))));
}

absl::StatusOr<std::optional<int64_t>> GgufFile::integer(std::string_view key) const {
  STRATA_ASSIGN(const GgufValue *value, find(key, Kind::integer));
  return value ? std::optional(value->integer) : std::nullopt;
}

absl::StatusOr<std::optional<double>> GgufFile::real(std::string_view key) const {
  STRATA_ASSIGN(const GgufValue *value, find(key, Kind::real));
  return value ? std::optional(value->real) : std::nullopt;
}

absl::StatusOr<std::optional<bool>> GgufFile::boolean(std::string_view key) const {
  STRATA_ASSIGN(const GgufValue *value, find(key, Kind::boolean));
  return value ? std::optional(value->integer != 0) : std::nullopt;
}

absl::StatusOr<std::optional<std::string_view>> GgufFile::string(std::string_view key) const {
  STRATA_ASSIGN(const GgufValue *value, find(key, Kind::string));
  return value ? std::optional(value->text) : std::nullopt;
}

absl::Status GgufFile::error(std::string_view name, std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": ", printable(name), ": ", std::string(message)));
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

template <typename T, typename Read>
absl::StatusOr<std::vector<T>> GgufFile::elements(std::string_view key, uint32_t type,
                                                  Read read) const {
  STRATA_ASSIGN(const GgufValue *value, find(key, Kind::array));
  std::vector<T> result;
  if (!value)
    return result;
  if (value->element != type)
    return error(key, absl::StrCat("expected elements of type ", type, ", found ", value->element));
  ByteReader reader(std::as_bytes(std::span(value->text)));
  for (int64_t i = 0; i < value->integer; ++i)
    result.push_back(read(reader));
  return result;
}

absl::StatusOr<std::vector<std::string_view>> GgufFile::strings(std::string_view key) const {
  return elements<std::string_view>(key, uint32_t(Type::string), [](ByteReader &reader) {
    return reader.text(reader.read<uint64_t>());
  });
}

absl::StatusOr<std::vector<float>> GgufFile::floats(std::string_view key) const {
  return elements<float>(key, uint32_t(Type::f32),
                         [](ByteReader &reader) { return reader.read<float>(); });
}

absl::StatusOr<std::vector<int32_t>> GgufFile::integers(std::string_view key) const {
  return elements<int32_t>(key, uint32_t(Type::i32),
                           [](ByteReader &reader) { return reader.read<int32_t>(); });
}

} // namespace strata
