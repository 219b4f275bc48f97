//===- SimulatedGpu.cpp ---------------------------------------------------===//

#include "test/simulator/SimulatedGpu.h"

#include "test/runtime/TestFolder.h"
#include "test/simulator/CompileKernel.h"

#include <cstdlib>
#include <dlfcn.h>
#include <regex>

namespace strata::test {

const DriverTable &DriverTable::get() {
  static const DriverTable table = [] {
    DriverTable result;
    void *library = dlopen(STRATA_SIMULATED_CUDA, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      std::fprintf(stderr, "%s\n", dlerror());
      std::abort();
    }
#define STRATA_FIND_ENTRY(NAME, ...)                                                               \
  result.NAME = reinterpret_cast<NAME##Function *>(dlsym(library, #NAME));
    STRATA_CUDA_DRIVER_API(STRATA_FIND_ENTRY)
#undef STRATA_FIND_ENTRY
    result.error = reinterpret_cast<const char *(*)()>(dlsym(library, "strataSimulatorError"));
    return result;
  }();
  return table;
}

static void setOptions(const Schedule &schedule) {
  setenv("STRATA_SIM_SCHEDULE", schedule.random ? "random" : "sequential", 1);
  setenv("STRATA_SIM_SEED", std::to_string(schedule.seed).c_str(), 1);
  setenv("STRATA_SIM_RACES", schedule.races ? "1" : "0", 1);
  setenv("STRATA_SIM_STREAMS", schedule.lazy ? "lazy" : "eager", 1);
}

SimulatedGpu::SimulatedGpu(const Schedule &schedule) : driver(DriverTable::get()) {
  setOptions(schedule);
  EXPECT_EQ(driver.cuInit(0), CUDA_SUCCESS);
  EXPECT_EQ(driver.cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  EXPECT_EQ(driver.cuCtxSetCurrent(context), CUDA_SUCCESS);
}

SimulatedGpu::~SimulatedGpu() { driver.cuDevicePrimaryCtxRelease_v2(0); }

CUfunction SimulatedGpu::load(const std::string &image, const char *kernel) {
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  EXPECT_EQ(driver.cuModuleLoadDataEx(&module, image.data(), 0, nullptr, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(driver.cuModuleGetFunction(&function, module, kernel), CUDA_SUCCESS);
  EXPECT_EQ(driver.cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                      200 << 10),
            CUDA_SUCCESS);
  return function;
}

CUdeviceptr SimulatedGpu::allocate(size_t bytes) {
  CUdeviceptr memory = 0;
  EXPECT_EQ(driver.cuMemAlloc_v2(&memory, bytes), CUDA_SUCCESS);
  return memory;
}

CUresult SimulatedGpu::launchWith(CUfunction function, const Shape &shape, void **parameters) {
  CUresult result = driver.cuLaunchKernel(function, shape.gridX, shape.gridY, 1, shape.threads, 1,
                                          1, shape.sharedBytes, nullptr, parameters, nullptr);
  return result == CUDA_SUCCESS ? driver.cuStreamSynchronize(nullptr) : result;
}

std::string kernelText(const std::string &file, const std::map<std::string, std::string> &changes) {
  std::string text = contentsOf(STRATA_KERNEL_INPUTS "/" + file);
  if (text.empty())
    text = contentsOf(STRATA_GENERATED_KERNELS "/" + file);
  EXPECT_FALSE(text.empty()) << file;
  for (const auto &[from, to] : changes) {
    std::regex pattern(from);
    EXPECT_TRUE(std::regex_search(text, pattern)) << from;
    text = std::regex_replace(text, pattern, to);
  }
  return text;
}

const std::string &kernelImage(const std::string &file,
                               const std::map<std::string, std::string> &changes) {
  static std::map<std::string, std::string> images;
  std::string text = kernelText(file, changes);
  std::string &image = images[text];
  if (image.empty())
    image = compileKernel(text);
  return image;
}

const std::vector<Schedule> &allSchedules() {
  static const std::vector<Schedule> schedules = {
      {.random = false, .races = false},
      {.random = false, .races = true},
      {.random = true, .races = true, .seed = 1},
      {.random = true, .races = true, .seed = 7},
      {.random = true, .races = false, .lazy = true, .seed = 12345},
  };
  return schedules;
}

} // namespace strata::test
