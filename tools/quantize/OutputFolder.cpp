//===- OutputFolder.cpp - all of a folder, or nothing ---------------------===//

#include "tools/quantize/OutputFolder.h"

#include "runtime/base/Status.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {
namespace {

namespace fs = std::filesystem;

absl::Status taken(const std::string &path) {
  return absl::AlreadyExistsError(
      absl::StrCat(path, ": expected no such file, or an empty folder, found one that is not"));
}

/// The permissions of a new folder: mkdtemp makes a private one.
void publish(const std::string &folder) {
  const mode_t mask = umask(0);
  umask(mask);
  (void)chmod(folder.c_str(), 0777 & ~mask);
}

/// So that new names survive a power failure. Some file systems refuse; the files are whole anyway.
void syncFolder(const std::string &folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return;
  (void)fsync(file);
  close(file);
}

} // namespace

absl::Status cannot(std::string_view action, const std::string &name, int code) {
  return absl::ErrnoToStatus(code, absl::StrCat(name, ": cannot ", std::string(action)));
}

int writeAt(int file, uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file, bytes.data(), bytes.size(), off_t(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO;
    offset += uint64_t(written);
    bytes = bytes.subspan(size_t(written));
  }
  return 0;
}

absl::StatusOr<OutputFolder> OutputFolder::create(const std::string &named) {
  std::error_code error;
  std::string path = fs::weakly_canonical(named, error).string();
  if (error)
    return cannot("make this folder", named, error.value());
  if (path.ends_with('/') && path.size() > 1) // "name/", not there yet
    path.pop_back();
  if (fs::exists(path, error) && !(fs::is_directory(path, error) && fs::is_empty(path, error)))
    return taken(named);
  std::string temporary = path + ".XXXXXX";
  if (!mkdtemp(temporary.data()))
    return cannot("make a folder beside it", named, errno);
  return OutputFolder(std::move(path), std::move(temporary));
}

OutputFolder::OutputFolder(OutputFolder &&other) noexcept
    : path(std::move(other.path)), temporary(std::exchange(other.temporary, "")) {}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!temporary.empty())
    fs::remove_all(temporary, ignored);
}

std::string OutputFolder::nameOf(std::string_view name) const {
  return absl::StrCat(path, "/", std::string(name));
}

absl::Status OutputFolder::write(std::string_view name, std::span<const std::byte> bytes) const {
  const std::string place = absl::StrCat(temporary, "/", std::string(name));
  const int file = open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    return cannot("be created", nameOf(name), errno);
  int code = writeAt(file, 0, bytes);
  if (!code && fsync(file))
    code = errno;
  if (close(file) && !code)
    code = errno;
  return code ? cannot(absl::StrCat("write ", bytes.size(), " bytes"), nameOf(name), code)
              : absl::OkStatus();
}

absl::Status OutputFolder::finish() {
  publish(temporary);
  syncFolder(temporary);
  if (rename(temporary.c_str(), path.c_str()))
    return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
               ? taken(path)
               : cannot("be given its name", path, errno);
  temporary.clear();
  syncFolder(fs::path(path).parent_path().string());
  return absl::OkStatus();
}

} // namespace strata
