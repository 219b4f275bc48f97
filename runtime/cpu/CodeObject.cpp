//===- CodeObject.cpp - machine code of a package, loaded -----------------===//

#include "runtime/cpu/CodeObject.h"

#include "absl/strings/str_cat.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace strata::cpu {
namespace {

// A file in memory that may be executed, also where the kernel's default is that it may not.
int createFile() {
  constexpr unsigned executable = 0x10; // MFD_EXEC, since Linux 6.3
  int file = memfd_create("strata-kernels", MFD_CLOEXEC | executable);
  if (file < 0 && errno == EINVAL)
    file = memfd_create("strata-kernels", MFD_CLOEXEC);
  return file;
}

absl::Status writeAll(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return absl::ErrnoToStatus(errno, "cannot copy kernels to memory");
    bytes = bytes.subspan(size_t(written));
  }
  return absl::OkStatus();
}

std::string loaderError() {
  const char *message = dlerror();
  return message ? message : "no reason given";
}

/// The path of a file in memory, or, where the system has no such files or no /proc to name them
/// by, of a temporary one, which goes as soon as it is loaded.
struct KernelFile {
  int file = -1;
  std::string path;
  bool temporary = false;

  absl::Status create() {
    file = createFile();
    path = absl::StrCat("/proc/self/fd/", file);
    if (file >= 0 && access(path.c_str(), R_OK) == 0)
      return absl::OkStatus();
    const int why = file < 0 ? errno : 0;
    if (file >= 0)
      close(file);
    const char *folder = getenv("TMPDIR");
    path = absl::StrCat(folder && *folder ? folder : "/tmp", "/strata-kernels.XXXXXX");
    file = mkostemp(path.data(), O_CLOEXEC);
    temporary = file >= 0;
    return temporary ? absl::OkStatus() : absl::ErrnoToStatus(errno, explain(why));
  }
  ~KernelFile() {
    if (temporary)
      unlink(path.c_str());
  }

private:
  /// Why neither kind of file can be made; `why` is the errno of the first.
  std::string explain(int why) const {
    return absl::StrCat("kernels: cannot make a file in memory (",
                        why == EACCES
                            ? "the setting vm.memfd_noexec forbids it: expected 0 or 1, found 2"
                        : why ? strerror(why)
                              : "/proc is not there to name it by",
                        "), nor ", path);
  }
};

} // namespace

absl::StatusOr<CodeObject> CodeObject::load(std::string target, std::span<const std::byte> elf) {
  KernelFile kernels;
  if (absl::Status status = kernels.create(); !status.ok())
    return status;
  CodeObject object(std::move(target), kernels.file);
  if (absl::Status status = writeAll(kernels.file, elf); !status.ok())
    return status;
  object.library = dlopen(kernels.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object.library)
    return absl::FailedPreconditionError(
        absl::StrCat("cpu.", object.name, ": cannot load kernels: ", loaderError()));
  return object;
}

CodeObject::CodeObject(CodeObject &&other) noexcept
    : name(std::move(other.name)), file(std::exchange(other.file, -1)),
      library(std::exchange(other.library, nullptr)) {}

CodeObject &CodeObject::operator=(CodeObject &&other) noexcept {
  std::swap(name, other.name);
  std::swap(file, other.file);
  std::swap(library, other.library);
  return *this;
}

CodeObject::~CodeObject() {
  if (library)
    dlclose(library);
  if (file >= 0)
    close(file);
}

absl::StatusOr<KernelFunction> CodeObject::function(const std::string &symbol) const {
  void *address = dlsym(library, symbol.c_str());
  if (!address)
    return absl::DataLossError(
        absl::StrCat("cpu.", name, ": symbol ", symbol, " is named by the plan but not defined"));
  return reinterpret_cast<KernelFunction>(address);
}

} // namespace strata::cpu
