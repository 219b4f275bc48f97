//===- FakeDriverMemory.cpp - memory of the device and of the host --------===//

#include "test/runtime/cuda/FakeDriverState.h"

#include <cstdlib>
#include <cstring>

namespace strata::fake {

bool isMemory(CUdeviceptr address, size_t bytes) {
  auto next = state().memory.upper_bound(address);
  if (next == state().memory.begin())
    return false;
  auto [begin, size] = *--next;
  return address - begin <= size && bytes <= size - (address - begin);
}

/// Counts it as wrong if memory that is about to be freed is needed by work that is to be done.
static void checkUnused(CUdeviceptr address, size_t bytes) {
  for (CUstream stream : state().streams)
    for (const Work &work : stream->work)
      for (CUdeviceptr used : work.uses)
        if (used - address < bytes && state().stuck == CUDA_SUCCESS)
          ++state().control.wrong;
}

} // namespace strata::fake

using namespace strata::fake;

namespace strata::cuda {
extern "C" {

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
  state().control.bytesToHost += int64_t(bytes);
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
  state().control.bytesToHost += int64_t(bytes);
  return put(stream, {[=] { return memcpy(to, pointer(from), bytes), CUDA_SUCCESS; },
                      {CUdeviceptr(to), from}});
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  ENTER("cuMemsetD8Async")
  if (!isMemory(to, bytes))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  return put(stream, {[=] { return memset(pointer(to), value, bytes), CUDA_SUCCESS; }, {to}});
}

} // extern "C"
} // namespace strata::cuda
