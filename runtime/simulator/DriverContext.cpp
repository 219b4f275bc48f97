//===- DriverContext.cpp - initialization, the device, its context --------===//

#include "runtime/simulator/Driver.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace strata::simulator {

using namespace strata::cuda;

static thread_local CUcontext currentContext = nullptr;

Session::Driver &Session::Driver::get() {
  static Driver *driver = new Driver; // not destroyed: who uses it may outlive us at exit
  return *driver;
}

Session::Session() : driver(Driver::get()), lock(driver.mutex) {}

CUresult Session::initialized() const {
  return driver.initialized ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult Session::ready() const {
  if (!driver.initialized)
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!driver.context || currentContext != &driver.context->handle)
    return CUDA_ERROR_INVALID_CONTEXT;
  return driver.context->sticky;
}

Context &Session::context() const { return *driver.context; }

/// Kernel images refer to our intrinsics, but whoever opened us may have kept our symbols local.
static bool exportIntrinsics() {
  Dl_info self;
  if (!dladdr(reinterpret_cast<void *>(&exportIntrinsics), &self) || !self.dli_fname)
    return false;
  return dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL) != nullptr;
}

/// Null if there are no such options, or not enough memory to reserve.
static std::unique_ptr<Context> createContext(Options &options) {
  options = Options();
  std::string problem;
  if (!Options::read(options, problem)) {
    std::fprintf(stderr, "strata simulator: %s\n", problem.c_str());
    return nullptr;
  }
  auto context = std::make_unique<Context>(options);
  context->memory = DeviceMemory::create(options.memoryBytes);
  context->storage.reset(BlockStorage::create());
  return context->memory && context->storage ? std::move(context) : nullptr;
}

} // namespace strata::simulator

namespace strata::cuda {

using namespace strata::simulator;

CUresult cuInit(unsigned) {
  Session session;
  if (session.driver.initialized)
    return CUDA_SUCCESS;
  std::string problem;
  if (!Options::read(session.driver.options, problem) || !exportIntrinsics()) {
    std::fprintf(stderr, "strata simulator: %s\n",
                 problem.empty() ? "cannot export the intrinsics" : problem.c_str());
    return CUDA_ERROR_INVALID_VALUE;
  }
  session.driver.initialized = true;
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
  *version = 12080;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  Session session;
  *count = 1;
  return session.initialized();
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  *device = 0;
  return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  if (device != 0 || size <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  std::snprintf(name, size_t(size), "Strata simulator");
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
  Session session;
  *bytes = session.driver.options.memoryBytes;
  return session.initialized();
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  static const std::map<int, int> values = {
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 48 << 10},
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1000000},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 4},
      {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 1000000},
      {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 128},
      {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 4 << 20},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 228 << 10},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 227 << 10},
  };
  auto found = values.find(attribute);
  if (found == values.end())
    return CUDA_ERROR_INVALID_VALUE;
  *value = found->second;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  if (!session.driver.context)
    session.driver.context = createContext(session.driver.options);
  if (!session.driver.context)
    return CUDA_ERROR_OUT_OF_MEMORY;
  ++session.driver.retained;
  *context = &session.driver.context->handle;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  if (!session.driver.retained)
    return CUDA_ERROR_INVALID_CONTEXT;
  if (--session.driver.retained == 0)
    session.driver.context.reset();
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.initialized());
  if (context && (!session.driver.context || context != &session.driver.context->handle))
    return CUDA_ERROR_INVALID_CONTEXT;
  currentContext = context;
  return CUDA_SUCCESS;
}

} // namespace strata::cuda
