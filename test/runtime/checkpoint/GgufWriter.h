//===- GgufWriter.h - GGUF files for tests ----------------------*- C++ -*-===//
#pragma once

#include "test/runtime/checkpoint/ZipWriter.h"

#include "absl/strings/str_cat.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace strata::gguf {

inline std::string string(const std::string &text) {
  return absl::StrCat(little(text.size(), 8), text);
}

/// A value with its type in front.
inline std::string u32(uint64_t value) { return little(4, 4) + little(value, 4); }
inline std::string u64(uint64_t value) { return little(10, 4) + little(value, 8); }
inline std::string text(const std::string &value) { return little(8, 4) + string(value); }
inline std::string boolean(bool value) { return little(7, 4) + little(value, 1); }
inline std::string f32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return little(6, 4) + little(bits, 4);
}

struct Tensor {
  std::string name;
  std::vector<uint64_t> dimensions; // as in the file: innermost first
  uint32_t type = 30;               // bf16
  uint64_t offset = 0;
};

/// A file, whatever it says.
struct Writer {
  std::vector<std::pair<std::string, std::string>> metadata; // key, type and value
  std::vector<Tensor> tensors = {};
  std::string data = {};
  uint32_t version = 3;
  int64_t tensorsShift = 0, keysShift = 0; // added to the counts
  uint64_t alignment = 32;

  /// Replaces a value, or adds it.
  Writer &set(const std::string &key, const std::string &value) {
    for (auto &[name, old] : metadata)
      if (name == key) {
        old = value;
        return *this;
      }
    metadata.emplace_back(key, value);
    return *this;
  }

  std::string header() const {
    std::string file =
        absl::StrCat("GGUF", little(version, 4), little(tensors.size() + uint64_t(tensorsShift), 8),
                     little(metadata.size() + uint64_t(keysShift), 8));
    for (const auto &[key, value] : metadata)
      file += string(key) + value;
    for (const Tensor &tensor : tensors) {
      file += string(tensor.name) + little(tensor.dimensions.size(), 4);
      for (const uint64_t dimension : tensor.dimensions)
        file += little(dimension, 8);
      file += little(tensor.type, 4) + little(tensor.offset, 8);
    }
    file.resize((file.size() + alignment - 1) / alignment * alignment);
    return file;
  }
  std::string write() const { return header() + data; }
};

} // namespace strata::gguf
