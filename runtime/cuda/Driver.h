//===- Driver.h - libcuda.so.1, found when it is needed ---------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cuda/DriverApi.h"

#include <string>
#include <utility>

namespace strata::cuda {

/// The addresses of the driver's entry points, named as the driver exports them.
struct DriverTable {
#define STRATA_CUDA_POINTER(NAME, ...) NAME##Function *NAME = nullptr;
  STRATA_CUDA_DRIVER_API(STRATA_CUDA_POINTER)
#undef STRATA_CUDA_POINTER
};

/// NVIDIA's driver, loaded and initialized. Every entry point is a function that returns a status
/// instead of a CUresult: "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory". Its library
/// stays loaded until the process ends, as it has threads. Immutable; safe to share.
class Driver {
public:
  /// The error says what is missing: the library, an entry point (and the version that the driver
  /// is of), or a device.
  static absl::StatusOr<Driver> load();

#define STRATA_CUDA_CALL(NAME, ...)                                                                \
  template <typename... Arguments>                                                                 \
  absl::Status NAME(Arguments... arguments) const {                                                \
    CUresult result = table.NAME(arguments...);                                                    \
    return result == CUDA_SUCCESS ? absl::OkStatus() : failed(#NAME, result);                      \
  }
  STRATA_CUDA_DRIVER_API(STRATA_CUDA_CALL)
#undef STRATA_CUDA_CALL

  /// For those who call back later, such as Owned.
  const DriverTable &entries() const { return table; }
  /// The version of CUDA that the driver is for, "12.4".
  const std::string &version() const { return versionText; }

private:
  absl::Status failed(const char *call, CUresult result) const;

  DriverTable table;
  std::string versionText;
};

/// Owns a handle of the driver, which is destroyed with it. Errors of that are lost: they were
/// another call's, or nobody could do anything about them.
template <typename T>
class Owned {
public:
  using Destroy = CUresult(T);

  Owned() = default;
  Owned(T handle, Destroy *destroy) : handle(handle), destroy(destroy) {}
  Owned(Owned &&other) noexcept { swap(other); }
  Owned &operator=(Owned &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Owned() {
    if (destroy)
      destroy(handle);
  }

  T get() const { return handle; }

private:
  void swap(Owned &other) {
    std::swap(handle, other.handle);
    std::swap(destroy, other.destroy);
  }

  T handle = {};
  Destroy *destroy = nullptr;
};

} // namespace strata::cuda
