//===- ActivationDump.cpp - a step's values as files ----------------------===//

#include "tools/run/ActivationDump.h"

#include "runtime/base/Status.h"
#include "tools/command_line/JsonWriter.h"
#include "tools/command_line/Npy.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace strata {
namespace {

namespace fs = std::filesystem;

float toFloat(package::DType dtype, const std::byte *bytes) {
  uint32_t bits = 0;
  memcpy(&bits, bytes, elementBytes(dtype));
  return std::bit_cast<float>(dtype == package::DType::bf16 ? bits << 16 : bits);
}

absl::StatusOr<std::vector<float>> toFloats(const ComputedValue &value) {
  package::DType dtype = value.result.dtype();
  if (dtype != package::DType::bf16 && dtype != package::DType::f32)
    return absl::UnimplementedError(absl::StrCat(textOf(value.result.name()), ": dtype: expected ",
                                                 "bf16 or f32, found ",
                                                 package::EnumNameDType(dtype)));
  size_t size = elementBytes(dtype);
  std::vector<float> floats(value.bytes.size() / size);
  for (size_t i = 0; i < floats.size(); ++i)
    floats[i] = toFloat(dtype, value.bytes.data() + i * size);
  return floats;
}

absl::Status checkWritten(const std::ostream &file, const std::string &path) {
  return file ? absl::OkStatus()
              : absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be written"));
}

/// Puts rows behind the `before` ones that the file has.
absl::Status appendRows(const std::string &path, uint64_t before, uint64_t columns,
                        const std::vector<float> &values) {
  auto mode = std::ios::binary | std::ios::in | std::ios::out;
  std::fstream file(path, before ? mode : mode | std::ios::trunc);
  std::string header = npyHeader(before + values.size() / columns, columns);
  file.write(header.data(), std::streamsize(header.size()));
  file.seekp(std::streamoff(kNpyHeaderBytes + before * columns * sizeof(float)));
  file.write(reinterpret_cast<const char *>(values.data()),
             std::streamsize(values.size() * sizeof(float)));
  file.close();
  return checkWritten(file, path);
}

bool tellsResults(const package::Program &program) {
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    if (count(dispatch->results()) > 0)
      return true;
  return false;
}

} // namespace

absl::StatusOr<ActivationDump> ActivationDump::create(const std::string &folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  bool empty = !code && fs::is_empty(folder, code);
  if (code)
    return absl::ErrnoToStatus(code.value(), absl::StrCat(folder, ": cannot be made"));
  if (!empty)
    return absl::AlreadyExistsError(
        absl::StrCat(folder, ": expected an empty folder, found files in it"));
  return ActivationDump(folder);
}

absl::Status ActivationDump::add(const ComputedValue &computed) {
  if (computed.rows == 0)
    return absl::OkStatus();
  std::string name = textOf(computed.result.name());
  auto [number, isNew] = numbers.try_emplace(name, values.size());
  uint64_t columns = computed.result.features();
  if (isNew)
    values.push_back({name, textOf(computed.dispatch.name()),
                      package::EnumNameDType(computed.result.dtype()), 0, columns});
  Value &value = values[number->second];
  STRATA_ASSIGN(std::vector<float> floats, toFloats(computed));
  STRATA_TRY(appendRows(absl::StrCat(folder, "/", name, ".npy"), value.rows, columns, floats));
  value.rows += uint64_t(computed.rows);
  return absl::OkStatus();
}

absl::Status ActivationDump::writeIndex(const Engine &engine,
                                        std::span<const int32_t> tokens) const {
  JsonWriter json;
  json.beginObject().member("model", textOf(engine.model().name()));
  json.member("target", engine.target()).list("tokens", tokens);
  json.key("values").beginArray();
  for (const Value &value : values) {
    json.beginObject(JsonWriter::Layout::oneLine).member("name", value.name);
    json.member("dispatch", value.dispatch).member("dtype", value.dtype);
    json.list("shape", std::array{value.rows, value.features}).endObject();
  }
  json.endArray().endObject();
  std::string path = folder + "/index.json";
  std::ofstream file(path, std::ios::binary);
  file << json.take();
  file.close();
  return checkWritten(file, path);
}

absl::Status dumpActivations(Engine &engine, std::span<const int32_t> tokens, int64_t chunk,
                             ActivationDump &dump) {
  if (!tellsResults(engine.device().program()))
    return absl::FailedPreconditionError(
        "the package does not say what its kernels compute; compile the model again");
  engine.device().probe().observe([&](const ComputedValue &value) { return dump.add(value); });
  Sequence sequence = engine.open();
  absl::Status status =
      prefill(engine, sequence, tokens, chunk, [](int64_t) { return true; }).status();
  status.Update(engine.close(sequence));
  engine.device().probe().observe(nullptr);
  STRATA_TRY(status);
  return dump.writeIndex(engine, tokens);
}

} // namespace strata
