//===- SimulatedGpu.h - the simulated driver, for tests ---------*- C++ -*-===//
#pragma once

#include "runtime/cuda/DriverApi.h"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace strata::test {

using namespace strata::cuda;

/// The entry points of libcuda.so.1, by name.
struct DriverTable {
#define STRATA_ENTRY_POINTER(NAME, ...) NAME##Function *NAME;
  STRATA_CUDA_DRIVER_API(STRATA_ENTRY_POINTER)
#undef STRATA_ENTRY_POINTER
  const char *(*error)(); ///< what the last kernel that failed did wrong

  /// Opens the library of this build, once.
  static const DriverTable &get();
};

struct Schedule {
  bool random = false, races = false, lazy = false;
  unsigned seed = 1;
};

/// One context, of the options given, current on this thread. A test makes one, and another after
/// an error.
class SimulatedGpu {
public:
  explicit SimulatedGpu(const Schedule &schedule = {});
  ~SimulatedGpu();

  const DriverTable &driver;

  CUfunction load(const std::string &image, const char *kernel);
  CUdeviceptr allocate(size_t bytes);
  template <typename T>
  CUdeviceptr upload(const std::vector<T> &values) {
    CUdeviceptr memory = allocate(values.size() * sizeof(T));
    EXPECT_EQ(driver.cuMemcpyHtoD_v2(memory, values.data(), values.size() * sizeof(T)),
              CUDA_SUCCESS);
    return memory;
  }
  template <typename T>
  std::vector<T> download(CUdeviceptr memory, size_t count) {
    std::vector<T> values(count);
    driver.cuMemcpyDtoH_v2(values.data(), memory, count * sizeof(T));
    return values;
  }

  struct Shape {
    unsigned gridX = 1, gridY = 1, threads = 32, sharedBytes = 0;
  };
  /// Launches with these parameters and waits.
  template <typename... Parameters>
  CUresult launch(CUfunction function, const Shape &shape, Parameters... parameters) {
    void *pointers[] = {static_cast<void *>(&parameters)..., nullptr};
    return launchWith(function, shape, pointers);
  }
  CUresult launchWith(CUfunction function, const Shape &shape, void **parameters);

private:
  CUcontext context = nullptr;
};

/// The text of a file in Inputs/, or of one generated from there, with each key of `changes`, a
/// regular expression that must occur, replaced by its value.
std::string kernelText(const std::string &file,
                       const std::map<std::string, std::string> &changes = {});
/// The image of that text; the same text is compiled once.
const std::string &kernelImage(const std::string &file,
                               const std::map<std::string, std::string> &changes = {});

/// Schedules in which a correct kernel must be right.
const std::vector<Schedule> &allSchedules();

} // namespace strata::test
