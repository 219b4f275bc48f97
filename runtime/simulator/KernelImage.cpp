//===- KernelImage.cpp - a module of simulated kernels --------------------===//

#include "runtime/simulator/KernelImage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace strata::simulator {
namespace {

/// The size of an ELF file, from its headers; 0 if it is none for this machine.
size_t sizeOfElf(const void *image) {
  if (std::strncmp(static_cast<const char *>(image), ELFMAG, SELFMAG)) // may be a short text
    return 0;
  Elf64_Ehdr header;
  std::memcpy(&header, image, sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
      header.e_type != ET_DYN || header.e_shentsize != sizeof(Elf64_Shdr))
    return 0;
  auto bytes = static_cast<const char *>(image);
  size_t size = header.e_shoff + size_t(header.e_shnum) * sizeof(Elf64_Shdr);
  for (unsigned i = 0; i != header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, bytes + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type != SHT_NOBITS)
      size = std::max<size_t>(size, section.sh_offset + section.sh_size);
  }
  return size;
}

int createFile() {
  constexpr unsigned executable = 0x10; // MFD_EXEC, since Linux 6.3
  int file = memfd_create("simulated-kernels", MFD_CLOEXEC | executable);
  return file < 0 && errno == EINVAL ? memfd_create("simulated-kernels", MFD_CLOEXEC) : file;
}

bool writeAll(int file, const char *bytes, size_t size) {
  while (size) {
    ssize_t written = write(file, bytes, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes += written;
    size -= size_t(written);
  }
  return true;
}

} // namespace

std::unique_ptr<KernelImage> KernelImage::load(const void *image, std::string &problem) {
  size_t size = sizeOfElf(image);
  int file = size ? createFile() : -1;
  if (!size || file < 0) {
    problem = size ? std::strerror(errno) : "the image is no ELF shared object for x86-64";
    return nullptr;
  }
  std::unique_ptr<KernelImage> result(new KernelImage(file));
  if (!writeAll(file, static_cast<const char *>(image), size)) {
    problem = std::strerror(errno);
    return nullptr;
  }
  std::string path = "/proc/self/fd/" + std::to_string(file);
  result->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!result->library) {
    const char *why = dlerror();
    problem = why ? why : "no reason given";
    return nullptr;
  }
  return result;
}

KernelImage::~KernelImage() {
  if (library)
    dlclose(library);
  close(file);
}

std::unique_ptr<Kernel> KernelImage::find(const std::string &name) const {
  void *entry = dlsym(library, ("__sim_entry_" + name).c_str());
  auto info = static_cast<const ImageInfo *>(dlsym(library, ("__sim_info_" + name).c_str()));
  if (!entry || !info || info->version != ImageInfo::currentVersion)
    return nullptr;
  return std::make_unique<Kernel>(Kernel{name, reinterpret_cast<KernelEntry *>(entry), info,
                                         reinterpret_cast<const uint32_t *>(info + 1)});
}

} // namespace strata::simulator
