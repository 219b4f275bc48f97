//===- OutputFile.cpp - all of a file, or nothing -------------------------===//

#include "tools/command_line/OutputFile.h"

#include "runtime/base/InputFiles.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Interrupt.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {
namespace {

/// The permissions of a new file, which mkostemp makes private; the errno, or 0.
int publish(int file) {
  const mode_t mask = umask(0);
  umask(mask);
  return fchmod(file, 0666 & ~mask) ? errno : 0;
}

/// So that the new name survives a power failure. Some file systems refuse; the file is whole
/// anyway.
void syncFolder(const std::string &path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int file = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return;
  (void)fsync(file);
  close(file);
}

bool isDevice(const std::string &path) {
  struct stat found;
  return stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode);
}

} // namespace

absl::Status OutputFile::cannotBeWritten(int code) const {
  return absl::ErrnoToStatus(code, absl::StrCat(path, ": cannot be written"));
}

absl::StatusOr<OutputFile> OutputFile::create(const std::string &path) {
  STRATA_TRY(checkOutput(path));
  OutputFile result(path, isDevice(path) ? "" : path + ".XXXXXX", -1);
  if (result.temporary.empty())
    result.file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  else
    result.file = mkostemp(result.temporary.data(), O_CLOEXEC);
  if (result.file < 0) {
    result.temporary.clear();
    return result.cannotBeWritten(errno);
  }
  removeOnInterrupt(result.temporary);
  return result;
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : path(std::move(other.path)), temporary(std::exchange(other.temporary, "")),
      file(std::exchange(other.file, -1)) {}

OutputFile::~OutputFile() {
  if (file >= 0)
    close(file);
  if (!temporary.empty()) {
    unlink(temporary.c_str());
    removeOnInterrupt("");
  }
}

absl::Status OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return cannotBeWritten(written < 0 ? errno : EIO);
    bytes = bytes.subspan(size_t(written));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::finish() {
  int code = temporary.empty() ? 0 : publish(file);
  if (!code && !temporary.empty() && fsync(file))
    code = errno;
  if (close(std::exchange(file, -1)) && !code)
    code = errno;
  if (!code && !temporary.empty() && rename(temporary.c_str(), path.c_str()))
    code = errno;
  if (code)
    return cannotBeWritten(code);
  removeOnInterrupt("");
  if (!std::exchange(temporary, "").empty())
    syncFolder(path);
  return absl::OkStatus();
}

} // namespace strata
