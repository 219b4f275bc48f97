//===- FakeDriverState.h - what the fake driver keeps -----------*- C++ -*-===//
#pragma once

#include "runtime/cuda/DriverApi.h"
#include "test/runtime/cuda/FakeDriver.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace strata::cuda {

/// A piece of a stream's work and the memory, of device and host, that it needs.
struct Work {
  std::function<CUresult()> run;
  std::vector<CUdeviceptr> uses;
};

struct CUctx_st {};
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

namespace strata::fake {

using namespace strata::cuda;
using strata::test::FakeControl;

struct State {
  FakeControl control;
  CUresult stuck = CUDA_SUCCESS; // what every call answers
  std::map<CUdeviceptr, size_t> memory;
  std::set<void *> handles, pinned;
  std::set<CUstream> streams;
  CUctx_st context;
  int retained = 0;

  State(); // as the environment has it
};

State &state();

/// Counts a call; its error, if it shall fail.
CUresult enter(const char *name);
#define ENTER(NAME)                                                                                \
  if (CUresult failed = strata::fake::enter(NAME); failed != CUDA_SUCCESS)                         \
    return failed;

/// Counts a handle or an address that is none.
CUresult wrong(CUresult result);

template <typename T>
T *own(T *handle) {
  state().handles.insert(handle);
  ++state().control.live;
  return handle;
}
inline bool isHandle(void *handle) { return state().handles.count(handle) != 0; }

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
bool isMemory(CUdeviceptr address, size_t bytes);
inline void *pointer(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

/// Puts work into a stream, or into the graph that is captured from it.
CUresult put(CUstream stream, Work work);

/// What is in the fake's tensor maps; kernels get it behind the buffers.
struct FakeTensorMap {
  uint64_t magic;
  void *address;
  uint64_t columns, rows, rowBytes;
  uint32_t boxColumns, boxRows, type, swizzle;
};
constexpr uint64_t kMapMagic = 0x70616d20726f736e;

} // namespace strata::fake
