//===- DriverMemory.cpp - allocations and copies --------------------------===//

#include "runtime/simulator/Driver.h"

#include <cstring>

namespace strata::cuda {

using namespace strata::simulator;

static void *pointer(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

/// Device addresses must be of one allocation; so must host addresses that are pinned.
static CUresult checkRange(Context &context, CUdeviceptr device, const void *host, size_t bytes) {
  bool inside = context.memory->contains(pointer(device), bytes);
  bool pinned = host && context.memory->covers(host);
  if (bytes && (!inside || (pinned && !context.memory->contains(host, bytes))))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  *available = session.context().memory->available();
  *total = session.context().memory->capacity();
  return CUDA_SUCCESS;
}

static CUresult allocate(void **address, size_t bytes, MemoryKind kind) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  STRATA_RETURN_IF_ERROR(session.context().unlessCapturing());
  if (bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  *address = session.context().memory->allocate(bytes, kind);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/// Waits for all work, as CUDA does, for it may use the memory.
static CUresult release(void *address, MemoryKind kind) {
  Session session;
  if (!address)
    return CUDA_SUCCESS;
  STRATA_RETURN_IF_ERROR(session.ready());
  STRATA_RETURN_IF_ERROR(session.context().unlessCapturing());
  STRATA_RETURN_IF_ERROR(session.context().drainAll());
  return session.context().memory->free(address, kind) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  void *memory = nullptr;
  STRATA_RETURN_IF_ERROR(allocate(&memory, bytes, MemoryKind::Device));
  *address = CUdeviceptr(memory);
  return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) { return release(pointer(address), MemoryKind::Device); }

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  return allocate(address, bytes, MemoryKind::Host);
}

CUresult cuMemFreeHost(void *address) { return release(address, MemoryKind::Host); }

static Work copyWork(void *to, const void *from, size_t bytes) {
  return [=] {
    std::memcpy(to, from, bytes);
    return CUDA_SUCCESS;
  };
}

/// The same of memory that may be used again before the copy is done.
static Work stagedCopyWork(void *to, const void *from, size_t bytes) {
  auto first = static_cast<const char *>(from);
  auto staged = std::make_shared<std::vector<char>>(first, first + bytes);
  return [=] {
    std::memcpy(to, staged->data(), staged->size());
    return CUDA_SUCCESS;
  };
}

/// A copy from pageable memory may return before the device has the bytes. Only work that is
/// ordered behind it, and who waits for it, can rely on them: a stream that does not block cannot.
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  STRATA_RETURN_IF_ERROR(context.unlessCapturing());
  STRATA_RETURN_IF_ERROR(checkRange(context, to, from, bytes));
  if (!context.options.lazyStreams || context.memory->covers(from))
    return context.enqueue(&context.legacy, copyWork(pointer(to), from, bytes));
  return context.enqueueLater(&context.legacy, stagedCopyWork(pointer(to), from, bytes));
}

/// A copy to the host is done when the call returns.
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  STRATA_RETURN_IF_ERROR(context.unlessCapturing());
  STRATA_RETURN_IF_ERROR(checkRange(context, from, to, bytes));
  return context.enqueue(&context.legacy, copyWork(to, pointer(from), bytes));
}

/// Pageable memory is copied before the call returns, and may then be used again; pinned memory is
/// read when the stream comes to it.
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(checkRange(context, to, from, bytes));
  if (!context.options.lazyStreams || context.memory->covers(from) || stream->capture)
    return context.enqueue(stream, copyWork(pointer(to), from, bytes));
  return context.enqueue(stream, stagedCopyWork(pointer(to), from, bytes));
}

/// To pageable memory the copy is synchronous.
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(checkRange(context, from, to, bytes));
  STRATA_RETURN_IF_ERROR(context.enqueue(stream, copyWork(to, pointer(from), bytes)));
  return stream->capture || context.memory->covers(to) ? CUDA_SUCCESS : context.drain(stream);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(checkRange(context, to, nullptr, bytes));
  return context.enqueue(stream, [=] {
    std::memset(pointer(to), value, bytes);
    return CUDA_SUCCESS;
  });
}

} // namespace strata::cuda
