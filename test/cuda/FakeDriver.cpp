//===- FakeDriver.cpp - a libcuda.so.1 without a GPU ----------------------===//
//
// The memory of the device is the host's, kernels are functions of an ELF object (FakeKernels.c).
// What is put into a stream runs as late as the driver may do so: when somebody waits for it, so
// that who does not wait reads garbage. Any call can be made to fail (FakeDriver.h).
//
//===----------------------------------------------------------------------===//

#include "test/cuda/FakeDriver.h"

#include "runtime/cuda/DriverApi.h"
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace strata::cuda;
using strata::test::FakeControl;

namespace strata::cuda {

/// A piece of a stream's work and the memory, of device and host, that it needs.
struct Work {
  std::function<CUresult()> run;
  std::vector<CUdeviceptr> uses;
};

struct CUctx_st {};
struct CUmod_st {
  int file;
  void *library;
  std::vector<CUfunction> functions;
};
struct CUfunc_st {
  void (*run)(void *const *buffers, int64_t tokens, int64_t rows, int64_t stride, int64_t layer,
              int64_t begin, int64_t end);
  int buffers, maps;
  std::vector<int> sizes; // of the numbers behind the buffers, in bytes
  int dynamicShared = 48 << 10;
};
/// What is in the fake's tensor maps; kernels get it behind the buffers.
struct FakeTensorMap {
  uint64_t magic;
  void *address;
  uint64_t columns, rows, rowBytes;
  uint32_t boxColumns, boxRows, type, swizzle;
};
constexpr uint64_t kMapMagic = 0x70616d20726f736e;
struct CUstream_st {
  std::deque<Work> work;
  int64_t done = 0; // pieces of work that have run
  bool capturing = false;
  std::vector<Work> captured;
};
struct CUevent_st {
  CUstream stream = nullptr;
  int64_t after = 0; // done once the stream has run so many pieces
};
struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};

} // namespace strata::cuda

namespace {

struct State {
  FakeControl control;
  CUresult stuck = CUDA_SUCCESS; // what every call answers
  std::map<CUdeviceptr, size_t> memory;
  std::set<void *> handles, pinned;
  std::set<CUstream> streams;
  CUctx_st context;
  int retained = 0;

  State() {
    const char *settings = getenv("FAKE_CUDA");
    for (std::string rest = settings ? settings : ""; !rest.empty();) {
      size_t comma = rest.find(','), equals = rest.find('=');
      if (equals != std::string::npos)
        set(rest.substr(0, equals), atoll(rest.c_str() + equals + 1));
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
  }
  void set(const std::string &name, int64_t value) {
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
};

State &state() {
  static State instance;
  return instance;
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

/// Counts a call; its error, if it shall fail.
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

template <typename T>
T *own(T *handle) {
  state().handles.insert(handle);
  ++state().control.live;
  return handle;
}
bool isHandle(void *handle) { return state().handles.count(handle) != 0; }
/// Counts it as wrong if memory that is about to be freed is needed by work that is to be done.
void checkUnused(CUdeviceptr address, size_t bytes) {
  for (CUstream stream : state().streams)
    for (const Work &work : stream->work)
      for (CUdeviceptr used : work.uses)
        if (used - address < bytes && state().stuck == CUDA_SUCCESS)
          ++state().control.wrong;
}

/// Destroys a handle, also where the call has an error of another call to report.
template <typename T>
CUresult destroy(T *handle, CUresult result) {
  if (!state().handles.erase(handle))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  --state().control.live;
  delete handle;
  return result;
}

/// Whether the bytes are an allocation's.
bool isMemory(CUdeviceptr address, size_t bytes) {
  auto next = state().memory.upper_bound(address);
  if (next == state().memory.begin())
    return false;
  auto [begin, size] = *--next;
  return address - begin <= size && bytes <= size - (address - begin);
}
void *pointer(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

CUresult runUntil(CUstream stream, int64_t count) {
  State &s = state();
  while (stream->done < count && !stream->work.empty()) {
    Work work = std::move(stream->work.front());
    stream->work.pop_front();
    ++stream->done;
    if (s.stuck == CUDA_SUCCESS)
      s.stuck = work.run();
  }
  return s.stuck;
}

CUresult put(CUstream stream, Work work) {
  if (!isHandle(stream))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  if (stream->capturing)
    stream->captured.push_back(std::move(work));
  else
    stream->work.push_back(std::move(work));
  return CUDA_SUCCESS;
}

size_t elfSize(const void *image) {
  Elf64_Ehdr header;
  memcpy(&header, image, sizeof header);
  return header.e_shoff + size_t(header.e_shnum) * header.e_shentsize;
}

/// Loads the ELF object; for PTX, which ends with a zero byte, the kernels that the tests have.
CUmod_st *loadImage(const void *image) {
  if (memcmp(image, ELFMAG, SELFMAG) != 0) {
    bool ptx = strcmp(static_cast<const char *>(image), ".version 8.0 // fake") == 0;
    void *library = ptx ? dlopen(STRATA_FAKE_KERNELS, RTLD_NOW | RTLD_LOCAL) : nullptr;
    return library ? new CUmod_st{-1, library, {}} : nullptr;
  }
  int file = memfd_create("fake-cubin", MFD_CLOEXEC);
  size_t size = elfSize(image);
  bool written = write(file, image, size) == ssize_t(size);
  std::string path = "/proc/self/fd/" + std::to_string(file);
  void *library = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (library)
    return new CUmod_st{file, library, {}};
  close(file);
  return nullptr;
}

/// A kernel with the parameters it was launched with.
struct Launch {
  CUfunction function;
  unsigned grid;
  std::vector<CUdeviceptr> buffers;
  int64_t scalars[4];
  std::vector<FakeTensorMap> maps;

  CUresult operator()() const {
    State &s = state();
    if (++s.control.kernels == s.control.faultAt)
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    std::vector<void *> addresses;
    for (CUdeviceptr buffer : buffers) {
      if (!isMemory(buffer, 1))
        return wrong(CUDA_ERROR_ILLEGAL_ADDRESS);
      addresses.push_back(pointer(buffer));
    }
    for (const FakeTensorMap &map : maps)
      addresses.push_back(const_cast<FakeTensorMap *>(&map));
    function->run(addresses.data(), scalars[0], scalars[1], scalars[2], scalars[3], 0, grid);
    return CUDA_SUCCESS;
  }
};

} // namespace

#define ENTER(NAME)                                                                                \
  if (CUresult failed = enter(NAME); failed != CUDA_SUCCESS)                                       \
    return failed;

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

CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  ENTER("cuMemGetInfo")
  *total = size_t(state().control.memory);
  *available = *total - size_t(state().control.allocated);
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  ENTER("cuMemAlloc")
  FakeControl &control = state().control;
  if (bytes == 0)
    return wrong(CUDA_ERROR_INVALID_VALUE);
  if (int64_t(bytes) > control.memory - control.allocated)
    return CUDA_ERROR_OUT_OF_MEMORY;
  void *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
  memset(memory, 0xcd, bytes);
  *address = CUdeviceptr(memory);
  state().memory[*address] = bytes;
  control.allocated += int64_t(bytes);
  ++control.live;
  return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  CUresult result = enter("cuMemFree");
  auto found = state().memory.find(address);
  if (found == state().memory.end())
    return wrong(CUDA_ERROR_INVALID_VALUE);
  checkUnused(address, found->second);
  state().control.allocated -= int64_t(found->second);
  --state().control.live;
  state().memory.erase(found);
  free(pointer(address));
  return result;
}

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  ENTER("cuMemHostAlloc")
  *address = malloc(bytes);
  memset(*address, 0xcd, bytes);
  state().pinned.insert(*address);
  ++state().control.live;
  return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *address) {
  CUresult result = enter("cuMemFreeHost");
  if (!state().pinned.erase(address))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  checkUnused(CUdeviceptr(address), 1);
  --state().control.live;
  free(address);
  return result;
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  ENTER("cuMemcpyHtoD")
  if (!isMemory(to, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  memcpy(pointer(to), from, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  ENTER("cuMemcpyDtoH")
  if (!isMemory(from, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  memcpy(to, pointer(from), bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  ENTER("cuMemcpyHtoDAsync")
  if (!isMemory(to, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  return put(stream, {[=] { return memcpy(pointer(to), from, bytes), CUDA_SUCCESS; },
                      {to, CUdeviceptr(from)}});
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER("cuMemcpyDtoHAsync")
  if (!isMemory(from, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  return put(stream, {[=] { return memcpy(to, pointer(from), bytes), CUDA_SUCCESS; },
                      {CUdeviceptr(to), from}});
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  ENTER("cuMemsetD8Async")
  if (!isMemory(to, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  return put(stream, {[=] { return memset(pointer(to), value, bytes), CUDA_SUCCESS; }, {to}});
}

CUresult cuStreamCreate(CUstream *stream, unsigned) {
  ENTER("cuStreamCreate")
  *stream = own(new CUstream_st);
  state().streams.insert(*stream);
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  CUresult result = enter("cuStreamDestroy");
  state().streams.erase(stream);
  return destroy(stream, result);
}

CUresult cuStreamSynchronize(CUstream stream) {
  CUresult failed = enter("cuStreamSynchronize");
  if (!isHandle(stream))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  CUresult result = runUntil(stream, INT64_MAX); // also after an error: it is of earlier work
  return failed != CUDA_SUCCESS ? failed : result;
}

CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned) {
  ENTER("cuStreamWaitEvent")
  return wrong(CUDA_ERROR_NOT_SUPPORTED); // there is one stream
}

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode) {
  ENTER("cuStreamBeginCapture")
  if (!isHandle(stream) || stream->capturing)
    return wrong(CUDA_ERROR_ILLEGAL_STATE);
  stream->capturing = true;
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  CUresult result = enter("cuStreamEndCapture");
  if (!isHandle(stream) || !stream->capturing)
    return wrong(CUDA_ERROR_ILLEGAL_STATE);
  stream->capturing = false;
  std::vector<Work> work = std::move(stream->captured);
  stream->captured.clear();
  if (result == CUDA_SUCCESS)
    *graph = own(new CUgraph_st{std::move(work)});
  return result;
}

CUresult cuEventCreate(CUevent *event, unsigned) {
  ENTER("cuEventCreate")
  *event = own(new CUevent_st);
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent event) { return destroy(event, enter("cuEventDestroy")); }

CUresult cuEventRecord(CUevent event, CUstream stream) {
  ENTER("cuEventRecord")
  if (!isHandle(event) || !isHandle(stream))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  *event = {stream, stream->done + int64_t(stream->work.size())};
  return CUDA_SUCCESS;
}

CUresult cuEventSynchronize(CUevent event) {
  ENTER("cuEventSynchronize")
  if (!isHandle(event))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  return event->stream ? runUntil(event->stream, event->after) : CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent, CUevent) {
  ENTER("cuEventElapsedTime")
  *milliseconds = 20;
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long) {
  ENTER("cuGraphInstantiateWithFlags")
  if (!isHandle(graph))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  ++state().control.graphs;
  *exec = own(new CUgraphExec_st{graph->work});
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  ENTER("cuGraphLaunch")
  if (!isHandle(exec))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  ++state().control.replays;
  for (const Work &work : exec->work)
    if (CUresult result = put(stream, work); result != CUDA_SUCCESS)
      return result;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec exec) { return destroy(exec, enter("cuGraphExecDestroy")); }

CUresult cuGraphDestroy(CUgraph graph) { return destroy(graph, enter("cuGraphDestroy")); }

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                            CUjit_option *options, void **values) {
  ENTER("cuModuleLoadDataEx")
  CUmod_st *loaded = loadImage(image);
  for (unsigned i = 0; i < count && !loaded; ++i)
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      strcpy(static_cast<char *>(values[i]), "fake compiler: cannot read this\n");
  if (!loaded)
    return CUDA_ERROR_INVALID_PTX;
  *module = own(loaded);
  return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
  CUresult result = enter("cuModuleUnload");
  if (!isHandle(module))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  for (CUfunction function : module->functions)
    delete function;
  dlclose(module->library);
  close(module->file);
  return destroy(module, result);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  ENTER("cuModuleGetFunction")
  if (!isHandle(module))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  void *run = dlsym(module->library, name);
  auto *buffers =
      static_cast<int *>(dlsym(module->library, (name + std::string("_buffers")).c_str()));
  if (!run || !buffers)
    return CUDA_ERROR_NOT_FOUND;
  auto *maps = static_cast<int *>(dlsym(module->library, (name + std::string("_maps")).c_str()));
  *function = new CUfunc_st{
      reinterpret_cast<decltype(CUfunc_st::run)>(run), *buffers, maps ? *maps : 0, {4, 4, 4, 4}};
  if (auto *sizes =
          static_cast<int *>(dlsym(module->library, (name + std::string("_sizes")).c_str())))
    (*function)->sizes.assign(sizes, sizes + 4);
  module->functions.push_back(*function);
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction) {
  ENTER("cuFuncGetAttribute")
  *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 512 : 1024;
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  ENTER("cuFuncSetAttribute")
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return wrong(CUDA_ERROR_INVALID_VALUE);
  function->dynamicShared = value;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                        unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                        CUstream stream, void **parameters, void **) {
  ENTER("cuLaunchKernel")
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockX == 0 || blockY != 1 || blockZ != 1 ||
      int(sharedBytes) > function->dynamicShared || !isHandle(stream))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  Launch launch{function, gridX, {}, {}, {}};
  for (int i = 0; i < function->buffers; ++i)
    launch.buffers.push_back(*static_cast<CUdeviceptr *>(parameters[i]));
  for (size_t i = 0; i < 4; ++i)
    memcpy(&launch.scalars[i], function->sizes[i] ? parameters[function->buffers + int(i)] : "",
           size_t(function->sizes[i]));
  for (int i = 0; i < function->maps; ++i) {
    void *map = parameters[function->buffers + 4 + i];
    launch.maps.push_back(*static_cast<FakeTensorMap *>(map));
    if (CUdeviceptr(map) % 64 || launch.maps.back().magic != kMapMagic)
      return wrong(CUDA_ERROR_INVALID_VALUE);
  }
  ++(stream->capturing ? state().control.captured : state().control.launches);
  std::vector<CUdeviceptr> uses = launch.buffers;
  return put(stream, {std::move(launch), std::move(uses)});
}

#ifndef STRATA_FAKE_OLD_DRIVER
CUresult cuTensorMapEncodeTiled(CUtensorMap *result, CUtensorMapDataType type, uint32_t rank,
                                void *address, const uint64_t *sizes, const uint64_t *strides,
                                const uint32_t *boxes, const uint32_t *steps, CUtensorMapInterleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                                CUtensorMapFloatOOBfill) {
  ENTER("cuTensorMapEncodeTiled")
  if (rank != 2 || CUdeviceptr(result) % 64 || CUdeviceptr(address) % 16 ||
      !isMemory(CUdeviceptr(address), sizes[1] * strides[0]) || steps[0] != 1 || steps[1] != 1)
    return wrong(CUDA_ERROR_INVALID_VALUE);
  FakeTensorMap map{kMapMagic, address,  sizes[0],       sizes[1],         strides[0],
                    boxes[0],  boxes[1], uint32_t(type), uint32_t(swizzle)};
  static_assert(sizeof map <= sizeof *result);
  memcpy(result, &map, sizeof map);
  ++state().control.maps;
  return CUDA_SUCCESS;
}
#endif

} // extern "C"
} // namespace strata::cuda
