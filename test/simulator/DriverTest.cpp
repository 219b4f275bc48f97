//===- DriverTest.cpp - the simulated driver's calls ----------------------===//

#include "test/simulator/Matrices.h"
#include "test/simulator/SimulatedGpu.h"

#include <cstring>

namespace strata::test {
namespace {

constexpr size_t count = 256;

/// y = x of pingpong.mlir.
class Copier {
public:
  explicit Copier(SimulatedGpu &gpu)
      : gpu(gpu), function(gpu.load(kernelImage("pingpong.mlir"), "pingpong")) {}

  CUresult copy(CUdeviceptr from, CUdeviceptr to, CUstream stream) {
    void *parameters[] = {&from, &to};
    CUresult result =
        gpu.driver.cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, stream, parameters, nullptr);
    from = to = 0; // the driver has copied the values
    return result;
  }

private:
  SimulatedGpu &gpu;
  CUfunction function;
};

CUstream createStream(SimulatedGpu &gpu) {
  CUstream stream = nullptr;
  EXPECT_EQ(gpu.driver.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  return stream;
}

CUevent createEvent(SimulatedGpu &gpu) {
  CUevent event = nullptr;
  EXPECT_EQ(gpu.driver.cuEventCreate(&event, CU_EVENT_DEFAULT), CUDA_SUCCESS);
  return event;
}

TEST(SimulatedDriver, Device) {
  SimulatedGpu gpu;
  const DriverTable &driver = gpu.driver;
  int devices = 0, version = 0, major = -1, multiprocessors = 0;
  size_t bytes = 0;
  char name[64];
  EXPECT_EQ(driver.cuDeviceGetCount(&devices), CUDA_SUCCESS);
  EXPECT_EQ(devices, 1);
  CUdevice device = -1;
  EXPECT_EQ(driver.cuDeviceGet(&device, 1), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(driver.cuDeviceGet(&device, 0), CUDA_SUCCESS);
  EXPECT_EQ(driver.cuDeviceGetName(name, sizeof name, device), CUDA_SUCCESS);
  EXPECT_STREQ(name, "Strata simulator");
  EXPECT_EQ(driver.cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_GE(version, 12000);
  driver.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
  EXPECT_EQ(major, 0);
  driver.cuDeviceGetAttribute(&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
  EXPECT_EQ(multiprocessors, 4);
  EXPECT_EQ(driver.cuDeviceTotalMem_v2(&bytes, device), CUDA_SUCCESS);
  EXPECT_EQ(bytes, size_t(4) << 30);
}

TEST(SimulatedDriver, EveryEntryPointIsThere) {
  const DriverTable &driver = DriverTable::get();
#define STRATA_EXPECT_ENTRY(NAME, ...) EXPECT_NE(driver.NAME, nullptr) << #NAME;
  STRATA_CUDA_DRIVER_API(STRATA_EXPECT_ENTRY)
#undef STRATA_EXPECT_ENTRY
}

TEST(SimulatedDriver, Memory) {
  setenv("STRATA_SIM_MEMORY", "1048576", 1);
  {
    SimulatedGpu gpu;
    const DriverTable &driver = gpu.driver;
    size_t available = 0, total = 0;
    CUdeviceptr a = gpu.allocate(1000000), b = 0;
    EXPECT_EQ(a % 256, 0u);
    EXPECT_EQ(driver.cuMemGetInfo_v2(&available, &total), CUDA_SUCCESS);
    EXPECT_EQ(total, 1048576u);
    EXPECT_EQ(available, 48576u);
    EXPECT_EQ(driver.cuMemAlloc_v2(&b, 48577), CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(gpu.download<uint8_t>(a, 1)[0], 0xff); // what nobody has written
    char byte = 7;
    EXPECT_EQ(driver.cuMemcpyHtoD_v2(a + 999999, &byte, 1), CUDA_SUCCESS);
    EXPECT_EQ(driver.cuMemcpyHtoD_v2(a + 1000000, &byte, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(driver.cuMemcpyDtoH_v2(&byte, a - 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(driver.cuMemFree_v2(a + 256), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(driver.cuMemFree_v2(a), CUDA_SUCCESS);
    EXPECT_EQ(driver.cuMemFree_v2(a), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(driver.cuMemcpyHtoD_v2(a, &byte, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(driver.cuMemAlloc_v2(&b, 1048576), CUDA_SUCCESS);
  }
  unsetenv("STRATA_SIM_MEMORY");
}

TEST(SimulatedDriver, WrongHandles) {
  SimulatedGpu gpu;
  CUstream stream = createStream(gpu);
  EXPECT_EQ(gpu.driver.cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(gpu.driver.cuStreamDestroy_v2(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(gpu.driver.cuModuleUnload(nullptr), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(gpu.driver.cuCtxSetCurrent(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(nullptr), CUDA_ERROR_INVALID_CONTEXT);
}

TEST(SimulatedDriver, Modules) {
  SimulatedGpu gpu;
  CUmodule module = nullptr;
  char log[256] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  std::string ptx = ".version 8.3\n.target sm_80\n" + std::string(100, ' ');
  EXPECT_EQ(gpu.driver.cuModuleLoadDataEx(&module, ptx.c_str(), 2, options, values),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_STREQ(log, "the image is no ELF shared object for x86-64");
  const std::string &image = kernelImage("reduce.mlir");
  ASSERT_EQ(gpu.driver.cuModuleLoadDataEx(&module, image.data(), 0, nullptr, nullptr),
            CUDA_SUCCESS);
  CUfunction function = nullptr;
  EXPECT_EQ(gpu.driver.cuModuleGetFunction(&function, module, "other"), CUDA_ERROR_NOT_FOUND);
  ASSERT_EQ(gpu.driver.cuModuleGetFunction(&function, module, "reduce"), CUDA_SUCCESS);
  int threads = 0, bytes = 0;
  gpu.driver.cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function);
  gpu.driver.cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function);
  EXPECT_EQ(threads, 256);
  EXPECT_EQ(bytes, 1024);
  EXPECT_EQ(gpu.driver.cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                          227 << 10),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(gpu.driver.cuModuleUnload(module), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_NUM_REGS, function),
            CUDA_ERROR_INVALID_HANDLE);
}

TEST(SimulatedDriver, LaunchesOfAWrongShape) {
  SimulatedGpu gpu;
  CUfunction function = gpu.load(kernelImage("pingpong.mlir"), "pingpong");
  CUdeviceptr memory = gpu.allocate(count * 4);
  EXPECT_EQ(gpu.launch(function, {.threads = 32}, memory, memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(gpu.launch(function, {.gridX = 0, .threads = 64}, memory, memory),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(gpu.launch(function, {.threads = 64, .sharedBytes = 201 << 10}, memory, memory),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(gpu.driver.cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, nullptr, nullptr, nullptr),
            CUDA_ERROR_INVALID_VALUE);
}

TEST(SimulatedDriver, AnErrorStays) {
  SimulatedGpu gpu;
  CUfunction function = gpu.load(kernelImage("pingpong.mlir"), "pingpong");
  CUdeviceptr memory = gpu.allocate(count * 4), freed = gpu.allocate(count * 4);
  EXPECT_EQ(gpu.driver.cuMemFree_v2(freed), CUDA_SUCCESS);
  testing::internal::CaptureStderr();
  EXPECT_EQ(gpu.launch(function, {.threads = 64}, freed, memory), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("which is no allocation's"),
            std::string::npos);
  EXPECT_EQ(gpu.launch(function, {.threads = 64}, memory, memory), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(nullptr), CUDA_ERROR_LAUNCH_FAILED);
  const char *text = nullptr;
  EXPECT_EQ(gpu.driver.cuGetErrorString(CUDA_ERROR_LAUNCH_FAILED, &text), CUDA_SUCCESS);
  EXPECT_EQ(std::string(text).find("kernel pingpong, block (0, 0, 0)"), 0u);
}

TEST(SimulatedDriver, LazyStreamsDoNothingUntilWaitedFor) {
  SimulatedGpu gpu({.lazy = true});
  Copier copier(gpu);
  std::vector<uint32_t> values(count, 3), zeros(count, 0);
  CUdeviceptr x = gpu.upload(values), y = gpu.upload(zeros), z = gpu.upload(zeros);
  CUstream first = createStream(gpu), second = createStream(gpu);
  CUevent event = createEvent(gpu);
  EXPECT_EQ(copier.copy(x, y, first), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuEventRecord(event, first), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuStreamWaitEvent(second, event, 0), CUDA_SUCCESS);
  EXPECT_EQ(copier.copy(y, z, second), CUDA_SUCCESS);
  EXPECT_EQ(gpu.download<uint32_t>(z, count), zeros); // nobody has waited
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(second), CUDA_SUCCESS);
  EXPECT_EQ(gpu.download<uint32_t>(z, count), values);
}

// As the driver's documentation has it: the call may return while the bytes are on their way.
TEST(SimulatedDriver, LazyCopiesFromPageableMemoryAreOrderedWithTheLegacyStreamAlone) {
  SimulatedGpu gpu({.lazy = true});
  Copier copier(gpu);
  std::vector<uint32_t> values(count, 3), zeros(count, 0);
  CUdeviceptr x = gpu.upload(zeros), y = gpu.upload(zeros);
  CUstream apart = createStream(gpu), blocking = nullptr;
  EXPECT_EQ(gpu.driver.cuStreamCreate(&blocking, CU_STREAM_DEFAULT), CUDA_SUCCESS);
  auto copy = [&](const std::vector<uint32_t> &from) {
    EXPECT_EQ(gpu.driver.cuMemcpyHtoD_v2(x, from.data(), count * 4), CUDA_SUCCESS);
  };
  auto copied = [&](CUstream stream) {
    EXPECT_EQ(copier.copy(x, y, stream), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_SUCCESS);
    return gpu.download<uint32_t>(y, count);
  };
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  copy(values);
  EXPECT_EQ(copied(apart), zeros) << "a stream that does not block knows nothing of it";
  EXPECT_EQ(copied(apart), values) << "the download above came after it";
  copy(zeros);
  EXPECT_EQ(copied(blocking), zeros);
  copy(values);
  EXPECT_EQ(copied(nullptr), values);
  copy(zeros);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(copied(apart), zeros);
}

TEST(SimulatedDriver, PinnedMemoryIsReadLateAndPageableMemoryEarly) {
  SimulatedGpu gpu({.lazy = true});
  void *pinned = nullptr;
  EXPECT_EQ(gpu.driver.cuMemHostAlloc(&pinned, 4, CU_MEMHOSTALLOC_DEFAULT), CUDA_SUCCESS);
  uint32_t pageable = 1;
  std::memcpy(pinned, &pageable, 4);
  CUdeviceptr memory = gpu.allocate(8);
  CUstream stream = createStream(gpu);
  EXPECT_EQ(gpu.driver.cuMemcpyHtoDAsync_v2(memory, &pageable, 4, stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuMemcpyHtoDAsync_v2(memory + 4, pinned, 4, stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuMemcpyHtoDAsync_v2(memory, static_cast<char *>(pinned) + 1, 4, stream),
            CUDA_ERROR_INVALID_VALUE);
  pageable = 2;
  std::memcpy(pinned, &pageable, 4);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.download<uint32_t>(memory, 2), (std::vector<uint32_t>{1, 2}));
}

TEST(SimulatedDriver, Graphs) {
  for (bool lazy : {false, true}) {
    SimulatedGpu gpu({.lazy = lazy});
    Copier copier(gpu);
    std::vector<uint32_t> values(count, 5), zeros(count, 0);
    CUdeviceptr x = gpu.upload(values), y = gpu.upload(zeros), z = gpu.upload(zeros);
    CUstream stream = createStream(gpu);
    CUgraph graph = nullptr;
    CUgraphExec exec = nullptr;
    EXPECT_EQ(gpu.driver.cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED),
              CUDA_SUCCESS);
    EXPECT_EQ(copier.copy(x, y, stream), CUDA_SUCCESS);
    EXPECT_EQ(copier.copy(y, z, stream), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuMemsetD8Async(y, 9, 4, stream), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuGraphDestroy(graph), CUDA_SUCCESS);
    EXPECT_EQ(gpu.download<uint32_t>(z, count), zeros); // captured, not done
    for (uint32_t round : {6, 7}) {
      std::vector<uint32_t> other(count, round);
      EXPECT_EQ(gpu.driver.cuMemcpyHtoDAsync_v2(x, other.data(), count * 4, stream), CUDA_SUCCESS);
      EXPECT_EQ(gpu.driver.cuGraphLaunch(exec, stream), CUDA_SUCCESS);
      EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_SUCCESS);
      EXPECT_EQ(gpu.download<uint32_t>(z, count), other);
      EXPECT_EQ(gpu.download<uint32_t>(y, 1)[0], 0x09090909u);
    }
    EXPECT_EQ(gpu.driver.cuGraphExecDestroy(exec), CUDA_SUCCESS);
    EXPECT_EQ(gpu.driver.cuGraphLaunch(exec, stream), CUDA_ERROR_INVALID_HANDLE);
  }
}

TEST(SimulatedDriver, WaitingBreaksACapture) {
  SimulatedGpu gpu;
  CUstream stream = createStream(gpu);
  EXPECT_EQ(gpu.driver.cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_GLOBAL),
            CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUgraph graph = nullptr;
  EXPECT_EQ(gpu.driver.cuStreamEndCapture(stream, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(gpu.driver.cuStreamSynchronize(stream), CUDA_SUCCESS);
}

TEST(SimulatedDriver, Events) {
  SimulatedGpu gpu({.lazy = true});
  CUstream stream = createStream(gpu);
  CUevent start = createEvent(gpu), end = createEvent(gpu);
  float milliseconds = -1;
  EXPECT_EQ(gpu.driver.cuEventElapsedTime(&milliseconds, start, end), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(gpu.driver.cuEventRecord(start, stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuEventRecord(end, stream), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuEventElapsedTime(&milliseconds, start, end), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(gpu.driver.cuEventSynchronize(end), CUDA_SUCCESS);
  EXPECT_EQ(gpu.driver.cuEventElapsedTime(&milliseconds, start, end), CUDA_SUCCESS);
  EXPECT_GE(milliseconds, 0.0f);
}

TEST(SimulatedDriver, TensorMaps) {
  SimulatedGpu gpu;
  auto encode = [&](uint64_t address, uint64_t stride, uint32_t width, CUtensorMapSwizzle swizzle) {
    CUtensorMap map;
    uint64_t sizes[] = {64, 64}, strides[] = {stride};
    uint32_t box[] = {width, 8}, ones[] = {1, 1};
    return gpu.driver.cuTensorMapEncodeTiled(
        &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, reinterpret_cast<void *>(address), sizes,
        strides, box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  };
  EXPECT_EQ(encode(4096, 128, 64, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_SUCCESS);
  EXPECT_EQ(encode(4104, 128, 64, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(encode(4096, 120, 64, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(encode(4096, 128, 128, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(encode(4096, 128, 32, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_NOT_SUPPORTED);
}

TEST(SimulatedDriver, WrongOptions) {
  setenv("STRATA_SIM_SEED", "x", 1);
  testing::internal::CaptureStderr();
  CUcontext context = nullptr;
  EXPECT_NE(DriverTable::get().cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "strata simulator: STRATA_SIM_SEED is 'x', not a number\n");
  setenv("STRATA_SIM_SEED", "1", 1);
}

} // namespace
} // namespace strata::test
