//===- OutputFile.h - all of a file, or nothing -----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstddef>
#include <span>
#include <string>

namespace strata {

/// A file that appears under its name when it is complete, and then takes the place of one that was
/// there. Until then its bytes are in a file beside it, which is removed if it is never finished,
/// also by Ctrl-C. A device or pipe takes the bytes at once. One at a time; move-only.
class OutputFile {
public:
  /// To be called once all is open that is read: INVALID_ARGUMENT if `path` leads to such a file.
  static absl::StatusOr<OutputFile> create(const std::string &path);
  OutputFile(OutputFile &&other) noexcept;
  ~OutputFile();

  /// Puts bytes behind those before.
  absl::Status write(std::span<const std::byte> bytes);
  absl::Status finish();

private:
  OutputFile(std::string path, std::string temporary, int file)
      : path(std::move(path)), temporary(std::move(temporary)), file(file) {}

  absl::Status cannotBeWritten(int code) const;

  std::string path;
  std::string temporary; // empty: a device, finished, or moved from
  int file;              // -1: finished, or moved from
};

} // namespace strata
