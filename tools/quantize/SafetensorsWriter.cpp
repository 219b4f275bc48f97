//===- SafetensorsWriter.cpp - checkpoints, written in place --------------===//

#include "tools/quantize/SafetensorsWriter.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"
#include "tools/command_line/JsonWriter.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace strata {
namespace {

/// The data begins at a multiple of this: tensors whose sizes are multiples, too, are aligned.
constexpr size_t kDataAlignment = 64;
constexpr size_t kLengthBytes = 8;

/// The shapes are those of parameters in a checkpoint that was opened: this fits.
uint64_t bytesOf(const StoredTensor &tensor) {
  return blockSize(tensor.dtype).bytesOf(checkedProduct(tensor.shape)).value_or(0);
}

} // namespace

absl::StatusOr<SafetensorsWriter> SafetensorsWriter::create(const OutputFolder &folder,
                                                            std::vector<StoredTensor> tensors,
                                                            uint64_t shardBytes) {
  SafetensorsWriter writer(folder, std::move(tensors));
  writer.splitIntoShards(shardBytes);
  for (size_t i = 0; i < writer.shards.size(); ++i)
    STRATA_TRY(writer.open(i));
  return writer;
}

SafetensorsWriter::~SafetensorsWriter() {
  for (const Shard &shard : shards)
    if (shard.file >= 0)
      close(shard.file);
}

void SafetensorsWriter::splitIntoShards(uint64_t shardBytes) {
  uint64_t filled = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const uint64_t bytes = bytesOf(tensors[i]);
    if (shards.empty() || filled + bytes > shardBytes) {
      shards.push_back({"", i, 0});
      filled = 0;
    }
    ++shards.back().count;
    filled += bytes;
  }
  for (size_t i = 0; i < shards.size(); ++i)
    shards[i].name = shards.size() == 1
                         ? "model.safetensors"
                         : absl::StrFormat("model-%05d-of-%05d.safetensors", i + 1, shards.size());
}

/// The header of a shard, length and padding included; notes where its tensors are.
std::string SafetensorsWriter::layOut(size_t index) {
  using Layout = JsonWriter::Layout;
  const Shard &shard = shards[index];
  JsonWriter json;
  json.beginObject(Layout::oneLine).key("__metadata__").beginObject(Layout::oneLine);
  json.member("format", "pt").endObject(); // transformers asks for it
  uint64_t offset = 0;
  for (size_t i = shard.first; i < shard.first + shard.count; ++i) {
    const uint64_t end = offset + bytesOf(tensors[i]);
    const std::string dtype(name(tensors[i].dtype));
    json.key(tensors[i].key).beginObject(Layout::oneLine);
    json.member("dtype", absl::AsciiStrToUpper(dtype)).list("shape", tensors[i].shape);
    json.list("data_offsets", std::vector<uint64_t>{offset, end}).endObject();
    places.push_back({index, offset});
    offset = end;
  }
  std::string header = json.endObject().take();
  const size_t used = kLengthBytes + header.size();
  header.append((kDataAlignment - used % kDataAlignment) % kDataAlignment, ' ');
  const uint64_t length = header.size();
  header.insert(0, reinterpret_cast<const char *>(&length), sizeof length); // little endian
  for (size_t i = shard.first; i < places.size(); ++i)
    places[i].offset += header.size();
  shards[index].size = header.size() + offset;
  return header;
}

absl::Status SafetensorsWriter::open(size_t index) {
  const std::string header = layOut(index);
  Shard &shard = shards[index];
  const std::string place = absl::StrCat(folder->place(), "/", shard.name);
  shard.file = ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (shard.file < 0)
    return cannot("be created", folder->nameOf(shard.name), errno);
  int code = posix_fallocate(shard.file, 0, off_t(shard.size));
  if (!code)
    code = writeAt(shard.file, 0, std::as_bytes(std::span(header)));
  return code ? cannot(absl::StrCat("write ", shard.size, " bytes"), folder->nameOf(shard.name),
                       code)
              : absl::OkStatus();
}

absl::Status SafetensorsWriter::write(size_t tensor, uint64_t offset,
                                      std::span<const std::byte> bytes) const {
  const Place &place = places[tensor];
  const Shard &shard = shards[place.shard];
  if (int code = writeAt(shard.file, place.offset + offset, bytes))
    return cannot("be written", folder->nameOf(shard.name), code);
  return absl::OkStatus();
}

absl::Status SafetensorsWriter::writeIndex() const {
  JsonWriter json;
  json.beginObject().key("metadata").beginObject().member("total_size", bytes()).endObject();
  json.key("weight_map").beginObject();
  for (size_t i = 0; i < tensors.size(); ++i)
    json.member(tensors[i].key, shards[places[i].shard].name);
  const std::string text = json.endObject().endObject().take();
  return folder->write("model.safetensors.index.json", std::as_bytes(std::span(text)));
}

absl::Status SafetensorsWriter::finish() {
  for (Shard &shard : shards) {
    int code = fsync(shard.file) ? errno : 0;
    if (close(std::exchange(shard.file, -1)) && !code)
      code = errno;
    if (code)
      return cannot("be written", folder->nameOf(shard.name), code);
  }
  return shards.size() == 1 ? absl::OkStatus() : writeIndex();
}

uint64_t SafetensorsWriter::bytes() const {
  uint64_t sum = 0;
  for (const StoredTensor &tensor : tensors)
    sum += bytesOf(tensor);
  return sum;
}

} // namespace strata
