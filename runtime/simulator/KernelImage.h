//===- KernelImage.h - a module of simulated kernels ------------*- C++ -*-===//
#pragma once

#include "runtime/simulator/Intrinsics.h"
#include "runtime/simulator/Launch.h"

#include <memory>
#include <string>

namespace strata::simulator {

/// A kernel of an image. `info` and `parameterBytes` are the image's.
struct Kernel {
  std::string name;
  KernelEntry *entry;
  const ImageInfo *info;
  const uint32_t *parameterBytes;

  uint32_t dynamicSharedOffset() const {
    uint32_t alignment = dynamicSharedAlignment;
    return (info->staticSharedBytes + alignment - 1) / alignment * alignment;
  }
};

/// An ELF shared object, loaded; unloaded with the object.
class KernelImage {
public:
  /// `image` is as long as its own header says; copied. Null, and why in `problem`, if it is not an
  /// object for the simulator or cannot be loaded.
  static std::unique_ptr<KernelImage> load(const void *image, std::string &problem);
  ~KernelImage();
  KernelImage(const KernelImage &) = delete;
  KernelImage &operator=(const KernelImage &) = delete;

  /// Null if there is no such kernel, or one of another version.
  std::unique_ptr<Kernel> find(const std::string &name) const;

private:
  explicit KernelImage(int file) : file(file) {}

  int file; // open while loaded: the loader knows libraries by path, here /proc/self/fd/N
  void *library = nullptr;
};

} // namespace strata::simulator
