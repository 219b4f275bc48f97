//===- FakeDriver.cpp - a libcuda.so.1 without a GPU ----------------------===//
//
// The memory of the device is the host's, kernels are functions of an ELF object (FakeKernels.c).
// What is put into a stream runs as late as the driver may do so: when somebody waits for it, so
// that who does not wait reads garbage. Any call can be made to fail (FakeDriver.h).
//
// Here are the device, its context and the names of errors.
//
//===----------------------------------------------------------------------===//

#include "test/runtime/cuda/FakeDriverState.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace strata::fake {
namespace {

void set(FakeControl &control, const std::string &name, int64_t value) {
  const std::map<std::string, int64_t *> fields = {{"failAt", &control.failAt},
                                                   {"failCode", &control.failCode},
                                                   {"faultAt", &control.faultAt},
                                                   {"failNames", &control.failNames},
                                                   {"devices", &control.devices},
                                                   {"capability", &control.capability},
                                                   {"memory", &control.memory},
                                                   {"version", &control.version},
                                                   {"sharedMemory", &control.sharedMemory}};
  if (auto field = fields.find(name); field != fields.end())
    *field->second = value;
}

struct ErrorName {
  CUresult error;
  const char *name, *text;
};
const ErrorName kErrors[] = {
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
};

bool breaksContext(int64_t code) { return code == 214 || (code >= 700 && code < 720); }

} // namespace

State::State() {
  const char *settings = getenv("FAKE_CUDA");
  for (std::string rest = settings ? settings : ""; !rest.empty();) {
    size_t comma = rest.find(','), equals = rest.find('=');
    if (equals != std::string::npos)
      set(control, rest.substr(0, equals), atoll(rest.c_str() + equals + 1));
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
}

State &state() {
  static State instance;
  return instance;
}

CUresult enter(const char *name) {
  State &s = state();
  ++s.control.calls;
  if (s.control.calls == s.control.failAt) {
    s.control.failedCall = name;
    auto code = CUresult(s.control.failCode);
    if (breaksContext(code))
      s.stuck = code;
    return code;
  }
  return s.stuck;
}

CUresult wrong(CUresult result) {
  ++state().control.wrong;
  return result;
}

} // namespace strata::fake

using namespace strata::fake;

namespace strata::cuda {
extern "C" {

FakeControl *fakeCudaControl() { return &state().control; }
/// Forgets an error that broke the context, for the next test.
void fakeCudaHeal() { state().stuck = CUDA_SUCCESS; }

CUresult cuGetErrorName(CUresult error, const char **name) {
  for (const ErrorName &known : kErrors)
    if (known.error == error && !state().control.failNames)
      return *name = known.name, CUDA_SUCCESS;
  *name = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  for (const ErrorName &known : kErrors)
    if (known.error == error && !state().control.failNames)
      return *text = known.text, CUDA_SUCCESS;
  *text = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuInit(unsigned) {
  ENTER("cuInit")
  return state().control.devices > 0 ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *version) {
  ENTER("cuDriverGetVersion")
  *version = int(state().control.version);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  ENTER("cuDeviceGetCount")
  *count = int(state().control.devices);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  ENTER("cuDeviceGet")
  if (ordinal < 0 || ordinal >= state().control.devices)
    return CUDA_ERROR_INVALID_DEVICE;
  *device = 40 + ordinal;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int size, CUdevice) {
  ENTER("cuDeviceGetName")
  strncpy(name, "Fake GPU", size_t(size));
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
  ENTER("cuDeviceGetAttribute")
  const FakeControl &control = state().control;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return *value = int(control.capability / 10), CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return *value = int(control.capability % 10), CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return *value = int(control.sharedMemory), CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return *value = 4, CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
  ENTER("cuDeviceTotalMem")
  *bytes = size_t(state().control.memory);
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  ENTER("cuDevicePrimaryCtxRetain")
  *context = &state().context;
  ++state().retained;
  ++state().control.live;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  CUresult result = enter("cuDevicePrimaryCtxRelease");
  if (state().retained == 0)
    return wrong(CUDA_ERROR_INVALID_CONTEXT);
  --state().retained;
  --state().control.live;
  return result;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  ENTER("cuCtxSetCurrent")
  return context == &state().context ? CUDA_SUCCESS : wrong(CUDA_ERROR_INVALID_CONTEXT);
}

} // extern "C"
} // namespace strata::cuda
