//===- FuzzFile.h - a fuzzer's input as a file ------------------*- C++ -*-===//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace strata {

/// A file in memory that readers open by its path.
class FuzzFile {
public:
  FuzzFile(const uint8_t *data, size_t size) : descriptor(::memfd_create("input", 0)) {
    if (descriptor < 0 || ::write(descriptor, data, size) != ssize_t(size))
      std::abort();
  }
  ~FuzzFile() { ::close(descriptor); }

  static std::string folder() { return "/proc/self/fd"; }
  std::string name() const { return std::to_string(descriptor); }

private:
  int descriptor;
};

/// Every tensor and every part of a header lies in its file, whatever the file said. Reads the
/// first and the last byte of each.
inline void checkInside(const Checkpoint &checkpoint) {
  const auto touch = [](std::span<const std::byte> bytes, std::span<const std::byte> file) {
    if (bytes.empty())
      return;
    if (bytes.data() < file.data() || bytes.data() + bytes.size() > file.data() + file.size())
      std::abort();
    volatile std::byte value = bytes.front() | bytes.back();
    (void)value;
  };
  for (const auto &[key, tensor] : checkpoint.tensors()) {
    if (tensor.spanBytes() != tensor.bytes.size())
      std::abort();
    touch(tensor.bytes, checkpoint.files()[tensor.file].bytes);
  }
  for (const CheckpointFile &file : checkpoint.files())
    for (const auto part : file.header)
      touch(part, file.bytes);
}

} // namespace strata
