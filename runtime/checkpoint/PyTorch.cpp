//===- PyTorch.cpp - the format of torch.save -----------------------------===//
//
// FOLDER/data.pkl         the state dict; its tensors name storages by key
// FOLDER/data/KEY         the bytes of a storage, row-major for the tensors that are read here
// FOLDER/byteorder        "little", since torch 2.1
//
// A tensor in the pickle is _rebuild_tensor_v2(persistent ("storage", CLASS, KEY, device, count),
// offset, sizes, strides, requires_grad, hooks), offset and strides in elements.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/PyTorch.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"
#include "runtime/checkpoint/Pickle.h"

#include <filesystem>
#include <optional>

namespace strata {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t kMaxPickleBytes = uint64_t(16) << 20;
constexpr uint64_t kMaxByteOrderBytes = 16;
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxKeyBytes = 1024;

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kBytes = "_io BytesIO";

/// All that a pickle may name. NeMo keeps opaque bytes under keys that end in _extra_state.
constexpr std::string_view kGlobals[] = {
    kOrderedDict,         kTensor,
    kParameter,           kBytes,
    "torch HalfStorage",  "torch BFloat16Storage",
    "torch FloatStorage", "torch DoubleStorage",
    "torch CharStorage",  "torch ByteStorage",
    "torch ShortStorage", "torch IntStorage",
    "torch LongStorage",  "torch BoolStorage",
};

constexpr struct {
  std::string_view global;
  DType dtype;
} kStorages[] = {
    {"torch HalfStorage", DType::f16},  {"torch BFloat16Storage", DType::bf16},
    {"torch FloatStorage", DType::f32}, {"torch DoubleStorage", DType::f64},
    {"torch CharStorage", DType::i8},   {"torch ByteStorage", DType::u8},
    {"torch ShortStorage", DType::i16}, {"torch IntStorage", DType::i32},
    {"torch LongStorage", DType::i64},  {"torch BoolStorage", DType::boolean},
};

/// The file before ZIP: a pickle that begins with this number of 10 bytes.
constexpr std::string_view kLegacyMagic =
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// A storage as a tensor names it.
struct Storage {
  DType dtype;
  ZipEntry entry;
};

/// Turns the values of a pickle into tensors; errors begin with `place` and the tensor's key.
class StateDictReader {
public:
  StateDictReader(const Pickle &pickle, const ZipArchive &zip, const std::string &folder)
      : pickle(pickle), zip(zip), folder(folder) {}

  absl::StatusOr<CheckpointTensor> readTensor(const PickleValue &value);
  bool isTensor(const PickleValue &value) const {
    return pickle.argumentsOf(value, kTensor) || pickle.argumentsOf(value, kParameter);
  }

private:
  absl::StatusOr<Storage> readStorage(const PickleValue &value);
  absl::StatusOr<std::vector<uint64_t>> readSizes(const PickleValue &value, const char *what);
  absl::Status checkContiguous(std::span<const uint64_t> shape, std::span<const uint64_t> strides);

  /// Item `index` of a tuple; an error if it is not of this kind.
  absl::StatusOr<const PickleValue *> item(const PickleValue &tuple, size_t index, Kind kind);

  template <typename... Parts>
  static absl::Status error(const Parts &...parts) {
    return absl::InvalidArgumentError(absl::StrCat("", parts...));
  }

  const Pickle &pickle;
  const ZipArchive &zip;
  const std::string &folder;
};

absl::StatusOr<const PickleValue *> StateDictReader::item(const PickleValue &tuple, size_t index,
                                                          Kind kind) {
  if (index < tuple.items.size() && pickle[tuple.items[index]].kind == kind)
    return &pickle[tuple.items[index]];
  return error("expected what torch.save writes of a tensor, found another argument ", index);
}

/// ("storage", CLASS, KEY, device, count)
absl::StatusOr<Storage> StateDictReader::readStorage(const PickleValue &value) {
  STRATA_ASSIGN(const PickleValue *tuple, item(value, 0, Kind::tuple));
  STRATA_ASSIGN(const PickleValue *storageClass, item(*tuple, 1, Kind::global));
  STRATA_ASSIGN(const PickleValue *key, item(*tuple, 2, Kind::string));
  STRATA_ASSIGN(const PickleValue *count, item(*tuple, 4, Kind::integer));
  for (const auto &[global, dtype] : kStorages) {
    if (storageClass->text != global)
      continue;
    const std::string name = absl::StrCat(folder, "data/", std::string(key->text));
    const auto found = zip.entries().find(name);
    if (found == zip.entries().end())
      return error("expected its storage ", printable(name), " in the archive, found none");
    if (count->number < 0 ||
        blockSize(dtype).bytesOf(uint64_t(count->number)) != found->second.size)
      return error("storage ", printable(name), ": expected ", count->number, " elements of ",
                   std::string(strata::name(dtype)), ", found ", found->second.size, " bytes");
    return Storage{dtype, found->second};
  }
  return error("expected a storage's class, found ", printable(storageClass->text));
}

absl::StatusOr<std::vector<uint64_t>> StateDictReader::readSizes(const PickleValue &value,
                                                                 const char *what) {
  if (value.items.size() > kMaxRank)
    return error(what, ": expected at most ", kMaxRank, " dimensions, found ", value.items.size());
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i != value.items.size(); ++i) {
    STRATA_ASSIGN(const PickleValue *size, item(value, i, Kind::integer));
    if (size->number < 0)
      return error(what, ": expected numbers of at least 0, found ", size->number);
    sizes.push_back(uint64_t(size->number));
  }
  return sizes;
}

/// Strides of dimensions of one element say nothing, and none do where there are no elements.
absl::Status StateDictReader::checkContiguous(std::span<const uint64_t> shape,
                                              std::span<const uint64_t> strides) {
  if (shape.size() != strides.size())
    return error("expected as many strides as dimensions, found ", strides.size(), " and ",
                 shape.size());
  if (checkedProduct(shape).value() == 0)
    return absl::OkStatus();
  Checked expected(1);
  for (size_t i = shape.size(); i-- > 0; expected = expected * shape[i])
    if (shape[i] != 1 && strides[i] != expected.value())
      return error("strides are ", formatShape(strides), ", expected those of a row-major tensor ",
                   "of shape ", formatShape(shape), "; save it after .contiguous()");
  return absl::OkStatus();
}

absl::StatusOr<CheckpointTensor> StateDictReader::readTensor(const PickleValue &value) {
  const PickleValue *arguments = pickle.argumentsOf(value, kTensor);
  if (const PickleValue *wrapped = pickle.argumentsOf(value, kParameter)) {
    STRATA_ASSIGN(const PickleValue *inner, item(*wrapped, 0, Kind::call));
    arguments = pickle.argumentsOf(*inner, kTensor);
  }
  if (!arguments)
    return error("expected a tensor, found another object");
  STRATA_ASSIGN(const PickleValue *persistent, item(*arguments, 0, Kind::persistent));
  STRATA_ASSIGN(const PickleValue *offset, item(*arguments, 1, Kind::integer));
  STRATA_ASSIGN(const PickleValue *sizes, item(*arguments, 2, Kind::tuple));
  STRATA_ASSIGN(const PickleValue *steps, item(*arguments, 3, Kind::tuple));
  STRATA_ASSIGN(const Storage storage, readStorage(*persistent));
  STRATA_ASSIGN(std::vector<uint64_t> shape, readSizes(*sizes, "shape"));
  STRATA_ASSIGN(const std::vector<uint64_t> strides, readSizes(*steps, "strides"));
  STRATA_TRY(checkContiguous(shape, strides));

  CheckpointTensor tensor{storage.dtype, std::move(shape), /*file=*/0, /*offset=*/0};
  const std::optional<uint64_t> bytes = tensor.spanBytes();
  const Checked skipped = Checked(uint64_t(offset->number)) * blockSize(storage.dtype).bytes;
  if (offset->number < 0 || !bytes || !(skipped + *bytes).atMost(storage.entry.size))
    return error("expected shape ", formatShape(tensor.shape), " of ",
                 std::string(name(storage.dtype)), " from element ", offset->number,
                 " on inside its storage of ", storage.entry.size, " bytes");
  tensor.offset = storage.entry.offset + *skipped.value();
  return tensor;
}

/// "model/" where the archive holds model/data.pkl; the folder is named after the file.
absl::StatusOr<std::string> findFolder(const ZipArchive &zip, const std::string &place) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> folder;
  for (const auto &[name, entry] : zip.entries()) {
    if (!name.ends_with(kPickle) || name.find('/') != name.size() - kPickle.size())
      continue;
    if (folder)
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": expected one data.pkl in the archive, found several"));
    folder = name.substr(0, name.size() - kPickle.size() + 1);
  }
  if (!folder)
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": expected FOLDER/data.pkl in the archive, as torch.save writes it, "
                            "found none"));
  return *folder;
}

} // namespace

absl::StatusOr<PyTorchArchive> PyTorchArchive::open(std::span<const std::byte> bytes,
                                                    std::string place) {
  if (ByteReader::asText(bytes).starts_with(kLegacyMagic))
    return absl::UnimplementedError(
        absl::StrCat(place, ": written by torch before 1.6 or with "
                            "_use_new_zipfile_serialization=False, which is not supported; "
                            "torch.load it and torch.save it anew"));
  PyTorchArchive archive;
  STRATA_ASSIGN(archive.zip, ZipArchive::open(bytes, place));
  STRATA_ASSIGN(archive.folder, findFolder(archive.zip, place));
  STRATA_ASSIGN(archive.pickle, archive.zip.contents(archive.folder + "data.pkl", kMaxPickleBytes));
  const std::string byteOrder = archive.folder + "byteorder";
  if (archive.zip.entries().contains(byteOrder)) {
    STRATA_ASSIGN(const auto order, archive.zip.contents(byteOrder, kMaxByteOrderBytes));
    if (ByteReader::asText(order) != "little")
      return archive.zip.error(
          byteOrder, absl::StrCat("expected little, found ", printable(ByteReader::asText(order))));
  }
  archive.place = std::move(place);
  return archive;
}

std::string PyTorchArchive::picklePlace() const {
  return absl::StrCat(place, ": ", printable(folder + "data.pkl"));
}

absl::StatusOr<CheckpointTensor> PyTorchArchive::tensor() const {
  STRATA_ASSIGN(const Pickle objects, Pickle::read(pickle, picklePlace(), kGlobals));
  auto tensor = StateDictReader(objects, zip, folder).readTensor(objects.root());
  return tensor.ok() ? std::move(tensor) : annotate(tensor.status(), place);
}

absl::StatusOr<std::vector<std::pair<std::string, CheckpointTensor>>>
PyTorchArchive::tensors() const {
  const std::string picklePlace = this->picklePlace();
  STRATA_ASSIGN(const Pickle objects, Pickle::read(pickle, picklePlace, kGlobals));
  const PickleValue &root = objects.root();
  if (root.kind != Kind::dict && !objects.argumentsOf(root, kOrderedDict))
    return absl::InvalidArgumentError(
        absl::StrCat(picklePlace, ": expected a dict of tensors, found another object"));
  StateDictReader reader(objects, zip, folder);
  std::vector<std::pair<std::string, CheckpointTensor>> tensors;
  for (const auto &[keyIndex, valueIndex] : objects.entries(root)) {
    const PickleValue &key = objects[keyIndex], &value = objects[valueIndex];
    if (key.kind != Kind::string || key.text.empty() || key.text.size() > kMaxKeyBytes)
      return absl::InvalidArgumentError(absl::StrCat(
          picklePlace, ": expected keys of 1 to ", kMaxKeyBytes, " bytes of text, found another"));
    if (key.text.ends_with("_extra_state") && !reader.isTensor(value))
      continue;
    absl::StatusOr<CheckpointTensor> tensor = reader.readTensor(value);
    if (!tensor.ok())
      return annotate(tensor.status(), absl::StrCat(place, ": ", printable(key.text)));
    tensors.emplace_back(key.text, *std::move(tensor));
  }
  return tensors;
}

absl::Status readPyTorch(const std::string &folder, const std::string &name,
                         Checkpoint &checkpoint) {
  const std::string path = (std::filesystem::path(folder) / name).string();
  STRATA_ASSIGN(MappedFile file, MappedFile::open(path));
  STRATA_ASSIGN(const PyTorchArchive archive, PyTorchArchive::open(file.bytes(), path));
  STRATA_ASSIGN(auto tensors, archive.tensors());
  checkpoint.setCatalogue(path);
  const uint32_t index = checkpoint.addFile(name, std::move(file), archive.header());
  for (auto &[key, tensor] : tensors) {
    tensor.file = index;
    STRATA_TRY(checkpoint.addTensor(std::move(key), std::move(tensor)));
  }
  return absl::OkStatus();
}

} // namespace strata
