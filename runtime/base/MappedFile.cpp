//===- MappedFile.cpp - open, fstat, mmap ---------------------------------===//
#include "runtime/base/MappedFile.h"

#include "runtime/base/InputFiles.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include "absl/strings/match.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace strata {
namespace {

/// An open file descriptor; closes itself.
struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(Descriptor &&other) noexcept : number(std::exchange(other.number, -1)) {}
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
  int number;
};

struct OpenFile {
  Descriptor descriptor;
  uint64_t size;
};

} // namespace

static absl::Status systemError(const std::string &path, absl::string_view what) {
  const int code = errno;
  return absl::Status(absl::ErrnoToStatusCode(code),
                      absl::StrCat(path, ": ", what, ": ", std::strerror(code)));
}

static absl::string_view kindOf(mode_t mode) {
  return S_ISDIR(mode)    ? "a folder"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
         : S_ISCHR(mode)  ? "a character device"
                          : "a block device";
}

/// O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
static absl::StatusOr<OpenFile> openRegular(const std::string &path) {
  if (path.find('\0') != std::string::npos)
    return absl::InvalidArgumentError(absl::StrCat(quote(path), ": file name holds a NUL"));
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (descriptor.number < 0)
    return systemError(path, "cannot open");
  struct stat status;
  if (::fstat(descriptor.number, &status) != 0)
    return systemError(path, "cannot stat");
  if (!S_ISREG(status.st_mode))
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a regular file, found ", kindOf(status.st_mode)));
  noteInput(descriptor.number, path);
  return OpenFile{std::move(descriptor), static_cast<uint64_t>(status.st_size)};
}

/// That a file is not what was put in its place when it could not be had.
static absl::Status checkContents(const std::string &path, std::string_view contents) {
  if (contents.starts_with("version https://git-lfs.github.com/spec/"))
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": this is a Git LFS pointer, not the file; fetch it with `git lfs pull`"));
  const size_t begin = std::min(contents.find_first_not_of("\xEF\xBB\xBF \t\r\n"), contents.size());
  for (absl::string_view page : {"<!doctype html", "<html"})
    if (absl::StartsWithIgnoreCase(
            absl::string_view(contents.data(), contents.size()).substr(begin), page))
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": this is an HTML page, not the file; a server's error or login, perhaps"));
  return absl::OkStatus();
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : name(std::move(other.name)), contents(std::exchange(other.contents, {})) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(name, other.name);
  std::swap(contents, other.contents);
  return *this;
}

MappedFile::~MappedFile() {
  if (!contents.empty())
    ::munmap(const_cast<std::byte *>(contents.data()), contents.size());
}

absl::StatusOr<MappedFile> MappedFile::open(const std::string &path) {
  STRATA_ASSIGN(OpenFile file, openRegular(path));
  MappedFile mapped;
  mapped.name = path;
  if (file.size == 0)
    return mapped;
  void *address =
      ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.descriptor.number, /*offset=*/0);
  if (address == MAP_FAILED)
    return systemError(path, absl::StrCat("cannot map ", file.size, " bytes"));
  mapped.contents = {static_cast<const std::byte *>(address), file.size};
  STRATA_TRY(checkContents(path, {static_cast<const char *>(address), file.size}));
  return mapped;
}

absl::StatusOr<std::string> readFile(const std::string &path, uint64_t maxBytes) {
  STRATA_ASSIGN(OpenFile file, openRegular(path));
  if (file.size > maxBytes)
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": file has ", file.size, " bytes, expected at most ", maxBytes));
  std::string contents(file.size, '\0');
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t count =
        ::read(file.descriptor.number, contents.data() + done, contents.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return systemError(path, "cannot read");
    if (count == 0)
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": file became shorter while it was read"));
    done += static_cast<size_t>(count);
  }
  STRATA_TRY(checkContents(path, contents));
  return contents;
}

} // namespace strata
