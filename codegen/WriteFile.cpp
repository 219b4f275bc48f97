//===- WriteFile.cpp - all of a file, or nothing --------------------------===//

#include "codegen/EmitPackage.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static llvm::Error fail(llvm::StringRef path, const char *action, int code) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 path + ": cannot " + action + ": " + std::strerror(code));
}

/// write(2) until all is written; the errno, or 0.
static int writeAll(int fd, llvm::StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO;
    bytes = bytes.drop_front(written);
  }
  return 0;
}

/// A device or pipe takes the bytes directly: there is nothing to rename over it.
static llvm::Error writeToDevice(llvm::StringRef path, llvm::StringRef bytes) {
  int fd = open(path.str().c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(path, "open", errno);
  int code = writeAll(fd, bytes);
  if (close(fd) && !code)
    code = errno;
  if (!code)
    return llvm::Error::success();
  return fail(path, ("write " + std::to_string(bytes.size()) + " bytes").c_str(), code);
}

/// So that the new name survives a power failure. Some file systems refuse; the file is whole
/// anyway.
static void syncFolder(llvm::StringRef path) {
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  int fd = open(folder.empty() ? "." : folder.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  (void)fsync(fd);
  close(fd);
}

llvm::Error strata::writeFileAtomically(llvm::StringRef path, llvm::StringRef bytes) {
  struct stat existing;
  if (!stat(path.str().c_str(), &existing) && !S_ISREG(existing.st_mode))
    return S_ISDIR(existing.st_mode) ? fail(path, "write", EISDIR) : writeToDevice(path, bytes);

  std::string temporary = (path + ".XXXXXX").str();
  int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0)
    return fail(path, "create a temporary file beside it", errno);
  llvm::sys::RemoveFileOnSignal(temporary);
  llvm::scope_exit keep([&] { llvm::sys::DontRemoveFileOnSignal(temporary); });
  mode_t mask = umask(0);
  umask(mask);
  int code = writeAll(fd, bytes);
  if (!code && (fchmod(fd, 0666 & ~mask) || fsync(fd)))
    code = errno;
  if (close(fd) && !code)
    code = errno;
  if (!code && rename(temporary.c_str(), path.str().c_str()))
    code = errno;
  if (code) {
    unlink(temporary.c_str());
    return fail(path, ("write " + std::to_string(bytes.size()) + " bytes").c_str(), code);
  }
  syncFolder(path);
  return llvm::Error::success();
}
