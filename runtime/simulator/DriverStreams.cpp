//===- DriverStreams.cpp - streams, events and graphs ---------------------===//
//
// A stream's work is done, in order, when somebody needs it: at once, or, if streams are lazy, when
// the host waits for it. So a host that forgets to wait sees that nothing has happened.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Driver.h"

namespace strata::simulator {

using namespace strata::cuda;

CUresult Context::drain(CUstream stream, uint64_t position) {
  if (stream->blocking && stream != &legacy)
    STRATA_RETURN_IF_ERROR(drain(&legacy)); // what it still has to do was there first
  while (sticky == CUDA_SUCCESS && stream->finished < position) {
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    ++stream->finished;
    sticky = work();
  }
  return sticky;
}

CUresult Context::drainBlocking() {
  for (const auto &[stream, owner] : streams)
    if (stream->blocking)
      STRATA_RETURN_IF_ERROR(drain(stream));
  return drain(&legacy);
}

CUresult Context::drainAll() {
  STRATA_RETURN_IF_ERROR(drain(&legacy));
  for (const auto &[stream, owner] : streams)
    STRATA_RETURN_IF_ERROR(drain(stream));
  return CUDA_SUCCESS;
}

CUresult Context::unlessCapturing() {
  for (const auto &[stream, owner] : streams)
    if (stream->capture && stream->captureMode != CU_STREAM_CAPTURE_MODE_RELAXED) {
      stream->captureInvalid = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  return CUDA_SUCCESS;
}

CUresult Context::enqueue(CUstream stream, Work work) {
  if (stream->capture) {
    stream->capture->nodes.push_back(std::move(work));
    return CUDA_SUCCESS;
  }
  STRATA_RETURN_IF_ERROR(enqueueLater(stream, std::move(work)));
  return options.lazyStreams && stream != &legacy ? CUDA_SUCCESS : drain(stream);
}

CUresult Context::enqueueLater(CUstream stream, Work work) {
  if (stream == &legacy)
    STRATA_RETURN_IF_ERROR(drainBlocking());
  stream->queue.push_back(std::move(work));
  ++stream->issued;
  return CUDA_SUCCESS;
}

} // namespace strata::simulator

namespace strata::cuda {

using namespace strata::simulator;

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  *stream = session.context().streams.add(std::make_unique<CUstream_st>());
  (*stream)->blocking = !(flags & CU_STREAM_NON_BLOCKING);
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  if (!context.streams.has(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(context.drain(stream));
  for (const auto &[event, owner] : context.events)
    if (event->stream == stream)
      event->stream = nullptr;
  context.streams.remove(stream);
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(context.unlessCapturing());
  return stream == &context.legacy ? context.drainBlocking() : context.drain(stream);
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream || !context.events.has(event))
    return CUDA_ERROR_INVALID_HANDLE;
  if (event->captured != stream->capture.get())
    return CUDA_ERROR_NOT_SUPPORTED; // captures of several streams
  if (stream->capture || !event->stream)
    return CUDA_SUCCESS;
  CUstream other = event->stream;
  uint64_t position = event->position;
  return context.enqueue(stream, [&context, other, position] {
    return context.streams.has(other) ? context.drain(other, position) : CUDA_SUCCESS;
  });
}

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  if (!handle)
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (!context.streams.has(handle))
    return CUDA_ERROR_INVALID_HANDLE;
  if (handle->capture)
    return CUDA_ERROR_ILLEGAL_STATE;
  handle->capture = std::make_unique<CUgraph_st>();
  handle->captureMode = mode;
  handle->captureInvalid = false;
  return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  if (!context.streams.has(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (!stream->capture)
    return CUDA_ERROR_ILLEGAL_STATE;
  *graph = nullptr;
  std::unique_ptr<CUgraph_st> captured = std::move(stream->capture);
  for (const auto &[event, owner] : context.events)
    if (event->captured == captured.get())
      event->captured = nullptr;
  if (stream->captureInvalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  *graph = context.graphs.add(std::move(captured));
  return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  *event = session.context().events.add(std::make_unique<CUevent_st>());
  (*event)->timing = !(flags & CU_EVENT_DISABLE_TIMING);
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent event) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  return session.context().events.remove(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventRecord(CUevent event, CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream || !context.events.has(event))
    return CUDA_ERROR_INVALID_HANDLE;
  event->captured = stream->capture.get();
  if (stream->capture)
    return CUDA_SUCCESS;
  event->recorded = true;
  event->stream = stream;
  event->position = stream->issued + 1;
  return context.enqueue(stream, [&context, event] {
    if (context.events.has(event))
      event->time = std::chrono::steady_clock::now();
    return CUDA_SUCCESS;
  });
}

CUresult cuEventSynchronize(CUevent event) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  if (!context.events.has(event))
    return CUDA_ERROR_INVALID_HANDLE;
  STRATA_RETURN_IF_ERROR(context.unlessCapturing());
  return event->stream ? context.drain(event->stream, event->position) : CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  for (CUevent event : {start, end}) {
    if (!session.context().events.has(event) || !event->recorded || !event->timing)
      return CUDA_ERROR_INVALID_HANDLE;
    if (event->stream && event->stream->finished < event->position)
      return CUDA_ERROR_NOT_READY;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  if (!context.graphs.has(graph))
    return CUDA_ERROR_INVALID_HANDLE;
  *exec = context.executables.add(std::make_unique<CUgraphExec_st>());
  (*exec)->nodes = graph->nodes;
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream handle) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream || !context.executables.has(exec))
    return CUDA_ERROR_INVALID_HANDLE;
  if (stream->capture)
    return CUDA_ERROR_NOT_SUPPORTED; // graphs within graphs
  for (const Work &node : exec->nodes)
    STRATA_RETURN_IF_ERROR(context.enqueue(stream, node));
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  return session.context().executables.remove(exec) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuGraphDestroy(CUgraph graph) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  return session.context().graphs.remove(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

} // namespace strata::cuda
