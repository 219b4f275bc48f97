//===- DriverApi.h - what we use of CUDA's driver ---------------*- C++ -*-===//
//
// The driver API as documented by NVIDIA, declared by ourselves: Strata builds where no CUDA is
// installed, and finds libcuda.so.1 when it runs (Driver.h). One table lists the entry points; who
// implements the driver (runtime/simulator, the tests' fake) exports exactly these.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::cuda {

/// 0: success. Every other value is an error; these are the ones that we know more about.
enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_DEINITIALIZED = 4,
  CUDA_ERROR_STUB_LIBRARY = 34,
  CUDA_ERROR_DEVICE_UNAVAILABLE = 46,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_ECC_UNCORRECTABLE = 214,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_JIT_COMPILER_NOT_FOUND = 221,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY = 224,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_TIMEOUT = 702,
  CUDA_ERROR_ASSERT = 710,
  CUDA_ERROR_HARDWARE_STACK_ERROR = 714,
  CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_INVALID_ADDRESS_SPACE = 717,
  CUDA_ERROR_INVALID_PC = 718,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801,
  CUDA_ERROR_SYSTEM_NOT_READY = 802,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,
  CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE = 804,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_UNKNOWN = 999,
};

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
  CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X = 5,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
  CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
  CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13, // kHz
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE = 36,       // kHz
  CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH = 37, // bits
  CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE = 38,           // bytes
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
};

enum CUfunction_attribute : int {
  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1, // static shared memory
  CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,  // a thread's spills and stack
  CU_FUNC_ATTRIBUTE_NUM_REGS = 4,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8, // the one that can be set
};

enum CUjit_option : int {
  CU_JIT_INFO_LOG_BUFFER = 3,
  CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES = 4,
  CU_JIT_ERROR_LOG_BUFFER = 5,            // char *
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6, // an unsigned int as a pointer
};

enum CUstream_flags : unsigned { CU_STREAM_DEFAULT = 0, CU_STREAM_NON_BLOCKING = 1 };
enum CUevent_flags : unsigned { CU_EVENT_DEFAULT = 0, CU_EVENT_DISABLE_TIMING = 2 };
enum CUhost_flags : unsigned { CU_MEMHOSTALLOC_DEFAULT = 0, CU_MEMHOSTALLOC_PORTABLE = 1 };

enum CUstreamCaptureMode : int {
  CU_STREAM_CAPTURE_MODE_GLOBAL = 0,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
  CU_STREAM_CAPTURE_MODE_RELAXED = 2,
};

/// What a TMA copy needs to know of a tensor; opaque. A kernel takes it as a __grid_constant__.
struct alignas(64) CUtensorMap {
  uint64_t opaque[16];
};

enum CUtensorMapDataType : int {
  CU_TENSOR_MAP_DATA_TYPE_UINT8 = 0,
  CU_TENSOR_MAP_DATA_TYPE_UINT16 = 1,
  CU_TENSOR_MAP_DATA_TYPE_UINT32 = 2,
  CU_TENSOR_MAP_DATA_TYPE_INT32 = 3,
  CU_TENSOR_MAP_DATA_TYPE_UINT64 = 4,
  CU_TENSOR_MAP_DATA_TYPE_INT64 = 5,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT16 = 6,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT32 = 7,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT64 = 8,
  CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9,
};
enum CUtensorMapInterleave : int {
  CU_TENSOR_MAP_INTERLEAVE_NONE = 0,
  CU_TENSOR_MAP_INTERLEAVE_16B = 1,
  CU_TENSOR_MAP_INTERLEAVE_32B = 2,
};
enum CUtensorMapSwizzle : int {
  CU_TENSOR_MAP_SWIZZLE_NONE = 0,
  CU_TENSOR_MAP_SWIZZLE_32B = 1,
  CU_TENSOR_MAP_SWIZZLE_64B = 2,
  CU_TENSOR_MAP_SWIZZLE_128B = 3,
};
enum CUtensorMapL2promotion : int {
  CU_TENSOR_MAP_L2_PROMOTION_NONE = 0,
  CU_TENSOR_MAP_L2_PROMOTION_L2_64B = 1,
  CU_TENSOR_MAP_L2_PROMOTION_L2_128B = 2,
  CU_TENSOR_MAP_L2_PROMOTION_L2_256B = 3,
};
enum CUtensorMapFloatOOBfill : int {
  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0,
  CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA = 1,
};

} // namespace strata::cuda

/// ENTRY(exported name, parameters...) for every entry point; all return CUresult.
#define STRATA_CUDA_DRIVER_API(ENTRY)                                                              \
  ENTRY(cuGetErrorName, CUresult error, const char **name)                                         \
  ENTRY(cuGetErrorString, CUresult error, const char **text)                                       \
  ENTRY(cuInit, unsigned flags)                                                                    \
  ENTRY(cuDriverGetVersion, int *version)                                                          \
  ENTRY(cuDeviceGetCount, int *count)                                                              \
  ENTRY(cuDeviceGet, CUdevice *device, int ordinal)                                                \
  ENTRY(cuDeviceGetName, char *name, int size, CUdevice device)                                    \
  ENTRY(cuDeviceGetAttribute, int *value, CUdevice_attribute attribute, CUdevice device)           \
  ENTRY(cuDeviceTotalMem_v2, size_t *bytes, CUdevice device)                                       \
  ENTRY(cuDevicePrimaryCtxRetain, CUcontext *context, CUdevice device)                             \
  ENTRY(cuDevicePrimaryCtxRelease_v2, CUdevice device)                                             \
  ENTRY(cuCtxSetCurrent, CUcontext context)                                                        \
  ENTRY(cuMemGetInfo_v2, size_t *available, size_t *total)                                         \
  ENTRY(cuMemAlloc_v2, CUdeviceptr *address, size_t bytes)                                         \
  ENTRY(cuMemFree_v2, CUdeviceptr address)                                                         \
  ENTRY(cuMemHostAlloc, void **address, size_t bytes, unsigned flags)                              \
  ENTRY(cuMemFreeHost, void *address)                                                              \
  ENTRY(cuMemcpyHtoD_v2, CUdeviceptr to, const void *from, size_t bytes)                           \
  ENTRY(cuMemcpyDtoH_v2, void *to, CUdeviceptr from, size_t bytes)                                 \
  ENTRY(cuMemcpyHtoDAsync_v2, CUdeviceptr to, const void *from, size_t bytes, CUstream stream)     \
  ENTRY(cuMemcpyDtoHAsync_v2, void *to, CUdeviceptr from, size_t bytes, CUstream stream)           \
  ENTRY(cuMemsetD8Async, CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream)       \
  ENTRY(cuStreamCreate, CUstream *stream, unsigned flags)                                          \
  ENTRY(cuStreamDestroy_v2, CUstream stream)                                                       \
  ENTRY(cuStreamSynchronize, CUstream stream)                                                      \
  ENTRY(cuStreamWaitEvent, CUstream stream, CUevent event, unsigned flags)                         \
  ENTRY(cuStreamBeginCapture_v2, CUstream stream, CUstreamCaptureMode mode)                        \
  ENTRY(cuStreamEndCapture, CUstream stream, CUgraph *graph)                                       \
  ENTRY(cuEventCreate, CUevent *event, unsigned flags)                                             \
  ENTRY(cuEventDestroy_v2, CUevent event)                                                          \
  ENTRY(cuEventRecord, CUevent event, CUstream stream)                                             \
  ENTRY(cuEventSynchronize, CUevent event)                                                         \
  ENTRY(cuEventElapsedTime, float *milliseconds, CUevent start, CUevent end)                       \
  ENTRY(cuGraphInstantiateWithFlags, CUgraphExec *exec, CUgraph graph, unsigned long long flags)   \
  ENTRY(cuGraphLaunch, CUgraphExec exec, CUstream stream)                                          \
  ENTRY(cuGraphExecDestroy, CUgraphExec exec)                                                      \
  ENTRY(cuGraphDestroy, CUgraph graph)                                                             \
  ENTRY(cuModuleLoadDataEx, CUmodule *module, const void *image, unsigned count,                   \
        CUjit_option *options, void **values)                                                      \
  ENTRY(cuModuleUnload, CUmodule module)                                                           \
  ENTRY(cuModuleGetFunction, CUfunction *function, CUmodule module, const char *name)              \
  ENTRY(cuFuncGetAttribute, int *value, CUfunction_attribute attribute, CUfunction function)       \
  ENTRY(cuFuncSetAttribute, CUfunction function, CUfunction_attribute attribute, int value)        \
  ENTRY(cuLaunchKernel, CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,       \
        unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream,  \
        void **parameters, void **extra)                                                           \
  ENTRY(cuTensorMapEncodeTiled, CUtensorMap *map, CUtensorMapDataType type, uint32_t rank,         \
        void *globalAddress, const uint64_t *globalSizes, const uint64_t *globalStrides,           \
        const uint32_t *boxSizes, const uint32_t *elementStrides,                                  \
        CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,                              \
        CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill)

namespace strata::cuda {

/// Each entry point's type: `cuInitFunction` is what `cuInit` is.
#define STRATA_CUDA_FUNCTION_TYPE(NAME, ...) using NAME##Function = CUresult(__VA_ARGS__);
STRATA_CUDA_DRIVER_API(STRATA_CUDA_FUNCTION_TYPE)
#undef STRATA_CUDA_FUNCTION_TYPE

} // namespace strata::cuda
