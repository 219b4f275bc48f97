//===- Driver.h - the state behind the driver's entry points ----*- C++ -*-===//
//
// One device, one primary context. Every entry point takes a Session, which locks the driver.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/cuda/DriverApi.h"
#include "runtime/simulator/DeviceMemory.h"
#include "runtime/simulator/KernelImage.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace strata::cuda {

#pragma GCC visibility push(default)
/// Our definitions are checked against the table: another type would not compile.
#define STRATA_DECLARE_ENTRY_POINT(NAME, ...) extern "C" CUresult NAME(__VA_ARGS__);
STRATA_CUDA_DRIVER_API(STRATA_DECLARE_ENTRY_POINT)
#undef STRATA_DECLARE_ENTRY_POINT

/// What the last kernel that failed did wrong; empty if none has. Also what cuGetErrorString says
/// of CUDA_ERROR_LAUNCH_FAILED.
extern "C" const char *strataSimulatorError();
/// What kernels have read of all allocations of so many bytes that there are, and how much of it 16
/// bytes at a time. Bulk copies, which are larger, do not count.
extern "C" void strataSimulatorReads(size_t allocationBytes, uint64_t *bytes, uint64_t *together);
#pragma GCC visibility pop

/// One piece of a stream's work. May run many times (graphs).
using Work = std::function<CUresult()>;

struct CUgraph_st {
  std::vector<Work> nodes;
};

struct CUgraphExec_st {
  std::vector<Work> nodes;
};

struct CUstream_st {
  bool blocking = true; ///< waits for the legacy stream, and it for this one
  std::deque<Work> queue;
  uint64_t issued = 0, finished = 0; ///< pieces of work
  std::unique_ptr<CUgraph_st> capture;
  CUstreamCaptureMode captureMode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  bool captureInvalid = false;
};

struct CUevent_st {
  CUstream stream = nullptr; ///< where it was recorded; null if it never was, or has happened
  uint64_t position = 0;     ///< of the record among the stream's work
  bool recorded = false, timing = true;
  CUgraph captured = nullptr; ///< recorded in this capture
  std::chrono::steady_clock::time_point time;
};

struct CUmod_st {
  std::unique_ptr<simulator::KernelImage> image;
  std::map<std::string, std::unique_ptr<CUfunc_st>> functions;
};

struct CUfunc_st {
  std::unique_ptr<simulator::Kernel> kernel;
  uint32_t mostDynamicShared = 0;
};

struct CUctx_st {};

} // namespace strata::cuda

namespace strata::simulator {

/// Objects that the driver has handed out.
template <typename Object>
class Handles {
public:
  Object *add(std::unique_ptr<Object> object) {
    Object *handle = object.get();
    objects[handle] = std::move(object);
    return handle;
  }
  bool has(Object *handle) const { return objects.count(handle) != 0; }
  bool remove(Object *handle) { return objects.erase(handle) != 0; }
  auto begin() const { return objects.begin(); }
  auto end() const { return objects.end(); }

private:
  std::map<Object *, std::unique_ptr<Object>> objects;
};

/// What lives as long as the primary context.
struct Context {
  explicit Context(const Options &options) : options(options) {}
  ~Context() { streams = {}; } // work may refer to everything else

  const Options &options;
  std::unique_ptr<DeviceMemory> memory;
  std::unique_ptr<BlockStorage> storage;
  cuda::CUctx_st handle;
  cuda::CUstream_st legacy;
  Handles<cuda::CUmod_st> modules;
  Handles<cuda::CUgraph_st> graphs;
  Handles<cuda::CUgraphExec_st> executables;
  Handles<cuda::CUevent_st> events;
  Handles<cuda::CUstream_st> streams;
  cuda::CUresult sticky = cuda::CUDA_SUCCESS; ///< the error that ended the context
  uint64_t launches = 0;

  /// Null, the legacy stream, is a stream too. Null if there is no such stream.
  cuda::CUstream stream(cuda::CUstream handle) {
    return !handle ? &legacy : streams.has(handle) ? handle : nullptr;
  }
  /// Adds to a stream, or to the graph that it captures; done at once unless streams are lazy.
  cuda::CUresult enqueue(cuda::CUstream stream, cuda::Work work);
  /// Adds to a stream that captures no graph, to be done when somebody needs it.
  cuda::CUresult enqueueLater(cuda::CUstream stream, cuda::Work work);
  /// Does the stream's work up to its `position`th piece.
  cuda::CUresult drain(cuda::CUstream stream, uint64_t position);
  cuda::CUresult drain(cuda::CUstream stream) { return drain(stream, stream->issued); }
  /// What the legacy stream is ordered with, itself included.
  cuda::CUresult drainBlocking();
  cuda::CUresult drainAll();
  /// An error if somebody captures a graph that a call like this one would break.
  cuda::CUresult unlessCapturing();
};

/// The driver, locked; its state for the call in progress.
class Session {
public:
  Session();

  /// Not CUDA_SUCCESS if the driver has not been initialized.
  cuda::CUresult initialized() const;
  /// Nor if this thread has no context, or an error has ended it.
  cuda::CUresult ready() const;
  Context &context() const;

  struct Driver;
  Driver &driver;

private:
  std::lock_guard<std::mutex> lock;
};

struct Session::Driver {
  std::mutex mutex;
  bool initialized = false;
  Options options;
  unsigned retained = 0;
  std::unique_ptr<Context> context;
  std::string lastError; ///< of a kernel

  static Driver &get();
};

} // namespace strata::simulator

/// Returns from an entry point with an error.
#define STRATA_RETURN_IF_ERROR(EXPRESSION)                                                         \
  if (CUresult result = (EXPRESSION); result != CUDA_SUCCESS)                                      \
  return result
