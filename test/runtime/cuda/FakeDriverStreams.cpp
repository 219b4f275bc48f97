//===- FakeDriverStreams.cpp - streams, events and graphs -----------------===//

#include "test/runtime/cuda/FakeDriverState.h"

namespace strata::fake {

static CUresult runUntil(CUstream stream, int64_t count) {
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

} // namespace strata::fake

using namespace strata::fake;

namespace strata::cuda {
extern "C" {

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

} // extern "C"
} // namespace strata::cuda
