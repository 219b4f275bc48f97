//===- TestFolder.h - files for tests ---------------------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace strata {

/// A folder of its own for each test, removed at the end. If STRATA_TEST_FILES names a folder, a
/// copy of every small file stays there, in a folder named after the file: seeds for test/fuzz.
class TestFolder {
public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "strata-test-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(folder); }

  const std::string &path() const { return folder; }
  std::string path(std::string_view name) const { return folder + "/" + std::string(name); }

  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view contents) const {
    std::ofstream(path(name), std::ios::binary).write(contents.data(), contents.size());
    if (const char *kept = std::getenv("STRATA_TEST_FILES"); kept && contents.size() <= 1 << 14)
      keep(std::filesystem::path(kept) / std::filesystem::path(name).filename(), contents);
    return path(name);
  }

private:
  static void keep(const std::filesystem::path &seeds, std::string_view contents) {
    std::filesystem::create_directories(seeds);
    const std::string name = std::to_string(std::hash<std::string_view>()(contents));
    std::ofstream(seeds / name, std::ios::binary).write(contents.data(), contents.size());
  }

  std::string folder;
};

/// The bytes of a file; none if it cannot be read.
inline std::string contentsOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

/// A safetensors file: the length of the header, the header, the data.
inline std::string safetensors(std::string_view header, std::string_view data = "") {
  const uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file.append(header).append(data);
}

} // namespace strata
